import { HASH_BYTES } from "../entry.ts";
import { decodeBase64 } from "./base64.ts";
import { CONTROL_CHARACTER } from "./control_character.ts";
import { NoteError } from "./note_error.ts";

/** What a log says of its tree in a signed note (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** Identity of the log. */
  readonly origin: string;
  /** Leaves of the tree. */
  readonly size: number;
  /** Its root, 32 bytes. */
  readonly root: Buffer;
}

/**
 * The text of a checkpoint's note, without extension lines.
 *
 * @throws NoteError when no checkpoint can say this.
 */
export function checkpointText(c: Checkpoint): string {
  const text = `${c.origin}\n${c.size}\n${c.root.toString("base64")}\n`;
  parseCheckpoint(text);
  return text;
}

/**
 * Reads the text of a note as a checkpoint. Extension lines are opaque, and left out.
 *
 * @throws NoteError when it is none.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.some((line) => line === "")) {
    throw new NoteError("a checkpoint has three lines or more, none of them empty, each ended by a line feed");
  }
  const [origin, sizeText, rootText] = lines as [string, string, string];
  if (CONTROL_CHARACTER.test(origin)) throw new NoteError("origin: must hold no control characters");
  const size = Number(sizeText);
  if (!DECIMAL.test(sizeText) || !Number.isSafeInteger(size)) {
    throw new NoteError("tree size: must be a decimal number below 2^53 without leading zeroes");
  }
  const root = decodeBase64(rootText);
  if (root?.length !== HASH_BYTES) throw new NoteError(`root hash: must be ${HASH_BYTES} bytes in base64`);
  return { origin, size, root };
}

const DECIMAL = /^(?:0|[1-9][0-9]*)$/;
