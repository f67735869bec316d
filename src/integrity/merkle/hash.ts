import { hash } from "node:crypto";
import { HASH_BYTES } from "../entry.ts";

/** Root of the tree that has no leaves: the SHA-256 of nothing (RFC 6962, 2.1). */
export const EMPTY_ROOT: Buffer = hash("sha256", "", "buffer");

// One text of a whole digest and one write cost a third of what a Buffer made by OpenSSL costs.
const leafInput = Buffer.alloc(1 + HASH_BYTES);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/**
 * Hash of a leaf: SHA-256 of the byte 0x00 and the entry (RFC 6962, 2.1).
 *
 * @param entry of any length; those of the log have HASH_BYTES.
 */
export function leafHash(entry: Buffer): Buffer {
  if (entry.length !== HASH_BYTES) return hash("sha256", Buffer.concat([Buffer.alloc(1), entry]), "buffer");
  leafInput.set(entry, 1);
  return Buffer.from(hash("sha256", leafInput, "latin1"), "latin1");
}

/** Hash of an inner node: SHA-256 of the byte 0x01 and the hashes of its two children (RFC 6962, 2.1). */
export function nodeHash(l: Buffer, r: Buffer): Buffer {
  nodeInput.set(l, 1);
  nodeInput.set(r, 1 + HASH_BYTES);
  return Buffer.from(hash("sha256", nodeInput, "latin1"), "latin1");
}
