/**
 * The bytes of standard Base64 with padding (RFC 4648, 4); nothing for any other spelling of them, so that what was signed
 * or compared as text has one text only.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}
