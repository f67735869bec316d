import type { TLSSocket } from "node:tls";
import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextKey, createContextKey } from "@connectrpc/connect";

/** Who makes a call, as far as the connection proves it. What is recorded about a caller comes from here, never from a body. */
export interface Principal {
  /** `certificate`: the connection showed a client certificate that the configured authority signed. */
  readonly kind: "anonymous" | "certificate";
  /** The certificate's name, or `anonymous`. */
  readonly name: string;
}

/** The principal of a connection that proved nothing. */
export const ANONYMOUS: Principal = { kind: "anonymous", name: "anonymous" };

/** Where handlers find the principal of their call: `context.values.get(principalKey)`. */
export const principalKey: ContextKey<Principal> = createContextKey<Principal>(ANONYMOUS, { description: "principal" });

/**
 * Decides whether a principal may call a method; throws a Fault of kind `denied` where not. It is asked for every call,
 * before a byte of the request is read.
 */
export type Authorize = (principal: Principal, method: DescMethod) => void | Promise<void>;

/**
 * The rule that is in force: whoever can connect may call everything. Access is limited by the listening address and by
 * the client certificates that TLS requires.
 */
export const authorize: Authorize = () => {};

/**
 * The principal of a TLS connection: the subject's common name; else the first URI (SPIFFE), DNS or e-mail name among the
 * subject's alternative names; anonymous where no certificate was verified.
 */
export function principalOfTls(socket: TLSSocket): Principal {
  if (!socket.authorized) return ANONYMOUS;
  const certificate = socket.getPeerCertificate();
  const commonName = certificate.subject?.CN as unknown;
  const name = typeof commonName === "string" && commonName !== "" ? commonName : alternativeName(certificate);
  return name === undefined ? ANONYMOUS : { kind: "certificate", name };
}

function alternativeName({ subjectaltname }: { readonly subjectaltname?: string | undefined }): string | undefined {
  const names = parseAlternativeNames(subjectaltname ?? "");
  for (const wanted of ["URI", "DNS", "email"]) {
    const found = names.find(([type, value]) => type === wanted && value !== "");
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/**
 * Takes apart the text that node:tls makes of subjectAltName: `DNS:a.example, URI:"spiffe://b, c"`. A value with a comma or
 * a quote stands as a JSON string in it, so that none can pass for a second name.
 */
export function parseAlternativeNames(text: string): [type: string, value: string][] {
  const names: [string, string][] = [];
  for (const [, type = "", quoted, plain = ""] of text.matchAll(/([^:,]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/gy)) {
    names.push([type, quoted === undefined ? plain : (JSON.parse(quoted) as string)]);
  }
  return names;
}
