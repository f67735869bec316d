import { HASH_BYTES } from "../entry.ts";
import { decodeBase64 } from "./base64.ts";
import { NoteError } from "./note_error.ts";
import { parseNote } from "./signed_note.ts";

/** That an entry is in a log, to be checked without it (C2SP tlog-proof). */
export interface TlogProof {
  /** For the application; nothing vouches for it by itself. */
  readonly extra?: Buffer;
  /** Place of the entry in the log, from 0 on. */
  readonly index: number;
  /** Inclusion proof, from the leaf's sibling up (RFC 6962, 2.1.1). */
  readonly hashes: readonly Buffer[];
  /** The whole signed note. */
  readonly checkpoint: string;
}

/** Most bytes of a proof that is read. */
export const MAX_PROOF_BYTES = 1024 * 1024;

/** The proof as a file: `.tlog-proof`. */
export function formatTlogProof(proof: TlogProof): string {
  const lines = [
    FORM,
    ...(proof.extra?.length ? [`extra ${proof.extra.toString("base64")}`] : []),
    `index ${proof.index}`,
    ...proof.hashes.map((hash) => hash.toString("base64")),
  ];
  return `${lines.join("\n")}\n\n${proof.checkpoint}`;
}

/**
 * Reads a proof. Neither the hashes nor the checkpoint's signatures are checked.
 *
 * @throws NoteError when it is none.
 */
export function parseTlogProof(text: string): TlogProof {
  if (Buffer.byteLength(text) > MAX_PROOF_BYTES)
    throw new NoteError(`the proof is larger than ${MAX_PROOF_BYTES} bytes`);
  const end = text.indexOf("\n\n");
  const lines = text.slice(0, end).split("\n");
  if (end === -1 || lines.shift() !== FORM) {
    throw new NoteError(`a proof begins with the line ${FORM} and has an empty line before its checkpoint`);
  }
  const extra = lines[0]?.startsWith("extra ") ? readExtra(lines.shift() as string) : undefined;
  const index = readIndex(lines.shift() ?? "");
  const hashes = lines.map(readHash);
  if (hashes.length > MAX_HASHES) throw new NoteError(`a proof has at most ${MAX_HASHES} hashes`);
  const checkpoint = text.slice(end + 2);
  parseNote(checkpoint);
  return { ...(extra && { extra }), index, hashes, checkpoint };
}

function readExtra(line: string): Buffer {
  const extra = decodeBase64(line.slice("extra ".length));
  if (!extra?.length) throw new NoteError("extra: must be base64, or the line be left out");
  return extra;
}

function readIndex(line: string): number {
  const [, digits] = INDEX_LINE.exec(line) ?? [];
  const index = Number(digits);
  if (!Number.isSafeInteger(index))
    throw new NoteError("index: must be a decimal number below 2^53 without leading zeroes");
  return index;
}

function readHash(line: string, place: number): Buffer {
  const hash = decodeBase64(line);
  if (hash?.length !== HASH_BYTES) throw new NoteError(`hash ${place + 1}: must be ${HASH_BYTES} bytes in base64`);
  return hash;
}

const FORM = "c2sp.org/tlog-proof@v1";
const INDEX_LINE = /^index (0|[1-9][0-9]*)$/;
// A tree of less than 2^53 leaves is no higher.
const MAX_HASHES = 53;
