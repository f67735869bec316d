import { decodeBase64 } from "./base64.ts";
import { CONTROL_CHARACTER } from "./control_character.ts";
import { NoteError } from "./note_error.ts";
import type { Signature } from "./signature.ts";
import type { Verifier } from "./verifier.ts";

export { NoteError } from "./note_error.ts";
export type { Signature } from "./signature.ts";
export { cosigner, ed25519Signer, type Signer } from "./signer.ts";
export { parseVerifierKey, type Verifier } from "./verifier.ts";

/** A text and its signatures (C2SP signed-note). Nothing of it may be trusted before verifyNote. */
export interface SignedNote {
  /** Ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly Signature[];
}

/** Most bytes of a note that is read, and most signatures below it. */
export const MAX_NOTE_BYTES = 1024 * 1024;
export const MAX_NOTE_SIGNATURES = 100;

/**
 * Reads a signed note.
 *
 * @param bytes the whole of it; as bytes it must be UTF-8.
 * @throws NoteError when it is none, or larger than MAX_NOTE_BYTES or MAX_NOTE_SIGNATURES allow.
 */
export function parseNote(bytes: string | Uint8Array): SignedNote {
  const note = wellFormed(bytes);
  const textEnd = note.lastIndexOf("\n\n") + 1;
  const lines = note.slice(textEnd + 1).split("\n");
  if (textEnd === 0 || lines.length < 2 || lines.pop() !== "") {
    throw new NoteError(
      "a signed note is a text, an empty line and one or more lines of signatures, each ended by a line feed",
    );
  }
  if (lines.length > MAX_NOTE_SIGNATURES)
    throw new NoteError(`the note has more than ${MAX_NOTE_SIGNATURES} signatures`);
  return { text: note.slice(0, textEnd), signatures: lines.map(parseSignature) };
}

/** The whole signed note, as parseNote reads it. */
export function noteText(note: SignedNote): string {
  const lines = note.signatures.map(
    ({ name, keyId, bytes }) => `— ${name} ${Buffer.concat([keyId, bytes]).toString("base64")}\n`,
  );
  return `${note.text}\n${lines.join("")}`;
}

/**
 * Checks a note with the keys that are known. Signatures of other keys say nothing and are passed over.
 *
 * @returns those that verified, in their order in the note; of several by one key the first.
 * @throws NoteError when a signature of a known key is wrong, or none of a known key is there.
 */
export function verifyNote(
  note: SignedNote,
  verifiers: readonly Verifier[],
): { verifier: Verifier; signature: Signature }[] {
  const verified = new Map<string, { verifier: Verifier; signature: Signature }>();
  for (const signature of note.signatures) {
    for (const verifier of verifiers) {
      if (verifier.name !== signature.name || !verifier.keyId.equals(signature.keyId)) continue;
      if (!verifier.verify(note.text, signature.bytes)) {
        throw new NoteError(`the signature by ${keyLabel(verifier)} is not one of this text`);
      }
      if (!verified.has(verifier.verifierKey)) verified.set(verifier.verifierKey, { verifier, signature });
    }
  }
  if (verified.size === 0) {
    const known = verifiers.map(keyLabel).join(", ");
    const signers = note.signatures.map(keyLabel).join(", ");
    throw new NoteError(`no signature by a known key: known are ${known || "none"}; signed by ${signers}`);
  }
  return [...verified.values()];
}

function wellFormed(bytes: string | Uint8Array): string {
  const length = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
  if (length > MAX_NOTE_BYTES) throw new NoteError(`the note is larger than ${MAX_NOTE_BYTES} bytes`);
  const note = typeof bytes === "string" ? bytes : decodeUtf8(bytes);
  if (!note.isWellFormed()) throw new NoteError("a note must be UTF-8");
  if (CONTROL_CHARACTER.test(note)) throw new NoteError("a note must hold no control characters but line feeds");
  return note;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NoteError("a note must be UTF-8");
  }
}

function parseSignature(line: string, place: number): Signature {
  const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
  const signature = decodeBase64(encoded ?? "");
  if (name === undefined || signature === undefined || signature.length <= 4) {
    throw new NoteError(
      `signature ${place + 1}: must be an em dash, the key's name without spaces or plus, and base64 of its id and what it signed`,
    );
  }
  return { name, keyId: signature.subarray(0, 4), bytes: signature.subarray(4) };
}

function keyLabel(key: { readonly name: string; readonly keyId: Buffer }): string {
  return `${key.name}+${key.keyId.toString("hex")}`;
}

const SIGNATURE_LINE = /^— ([^\p{White_Space}+]+) ([A-Za-z0-9+/]+={0,2})$/u;
