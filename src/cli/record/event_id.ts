import { createHash } from "node:crypto";
import { canonicalText, type Json } from "../../integrity/canonical.ts";

/** Namespace of the ids that are made for lines without one (RFC 9562, 5.5). Never to be changed: a repeat would not be recognised. */
const NAMESPACE = Buffer.from("5d3f8a0b6c9e4b0f8d517e2a94c1b63d", "hex");

/**
 * The id of an event that came without one: a UUID of version 5 (RFC 9562) of its line in canonical form (RFC 8785), so
 * that the same file gives the same ids again. Lines that say the same are one event.
 */
export function derivedEventId(value: Json, source: string): string {
  return uuidV5(canonicalOrSource(value, source));
}

/** Lone surrogates have no canonical form; the service will refuse them, under an id that stays the same as well. */
function canonicalOrSource(value: Json, source: string): string {
  try {
    return canonicalText(value);
  } catch {
    return source;
  }
}

function uuidV5(name: string): string {
  const bytes = createHash("sha1").update(NAMESPACE).update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
