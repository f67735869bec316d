import { MissingHashesError, rootAt } from "../merkle/proofs.ts";
import type { TileReader } from "../merkle/tile.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { NoteError, parseNote, parseVerifierKey, type Verifier, verifyNote } from "../note/signed_note.ts";
import type { OpenedOrigin, SealingState } from "./statements.ts";

/**
 * What the tree contradicts.
 *
 * - `older_tree`: the database holds fewer entries than the checkpoint covers.
 * - `other_root`: the tree's first entries are others than the checkpoint says.
 * - `unknown_origin`: the checkpoint is one of a log that this database does not know.
 * - `unverified`: no key of the log has signed the checkpoint, or it is not readable as one.
 * - `damaged_tree`: the database lacks hashes of the tree.
 */
export interface Contradiction {
  readonly kind: "older_tree" | "other_root" | "unknown_origin" | "unverified" | "damaged_tree";
  /** What is wrong and with which checkpoint, in a sentence or two. */
  readonly text: string;
  /** The signed note that is contradicted; absent where it is no text that could be linked. */
  readonly note: string | undefined;
}

/** What a tree is compared with. */
export interface Evidence {
  readonly state: Pick<SealingState, "size" | "signedNote" | "publishedNote" | "origins" | "logKeys">;
  /** The note kept outside of the database, and its file. */
  readonly kept: { readonly note: string; readonly file: string } | undefined;
  /** Public keys that this process signs with under a name: known whatever the database says. */
  readonly ownVerifiers: (origin: string) => readonly Verifier[];
  /** The tree as it is in the database now, and not as it was. */
  readonly tiles: TileReader;
}

/** The first contradiction between the tree and what was signed of it: kept outside, and in the database itself. */
export async function findContradiction(evidence: Evidence): Promise<Contradiction | undefined> {
  const { state, kept } = evidence;
  if (kept !== undefined) {
    const found = await contradictionOf(evidence, kept.note, `the checkpoint kept in ${kept.file}`);
    if (found !== undefined) return found;
  }
  const notes = [
    [state.publishedNote, "the checkpoint that the database has as published"],
    [state.signedNote, "the checkpoint that the database has as signed"],
  ] as const;
  for (const [note, what] of notes) {
    const found = note === undefined ? undefined : await contradictionOf(evidence, note, what);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function contradictionOf(evidence: Evidence, note: string, what: string): Promise<Contradiction | undefined> {
  const { origins } = evidence.state;
  if (origins.some(({ contradicted }) => contradicted === note)) return undefined;
  const found = (kind: Contradiction["kind"], text: string) => ({ kind, text, note: linkable(note) });
  let checkpoint: Checkpoint;
  try {
    checkpoint = verifiedCheckpoint(note, evidence);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return found("unverified", `${what} is not one that this log signed: ${error.message}`);
  }
  const named = `${what} (${checkpointFacts(checkpoint)})`;
  if (!origins.some(({ origin }) => origin === checkpoint.origin)) {
    const known = origins.length === 0 ? "none" : origins.map(({ origin }) => origin).join(", ");
    return found("unknown_origin", `${named} is one of a log that the database does not know; it knows ${known}`);
  }
  if (isLinked(checkpoint, origins)) return undefined;
  const comparison = await compare(checkpoint, named, evidence);
  return comparison === undefined ? undefined : found(...comparison);
}

/** How the tree differs from what a checkpoint says of its first entries. */
async function compare(
  { size, root }: Checkpoint,
  named: string,
  { state, tiles }: Evidence,
): Promise<[Contradiction["kind"], string] | undefined> {
  if (size > state.size) return ["older_tree", `the database holds ${state.size} entries, fewer than ${named} covers`];
  try {
    const held = await rootAt(tiles, size);
    if (held.equals(root)) return undefined;
    const has = `its first ${size} entries have the root ${held.toString("base64")}`;
    return ["other_root", `the database holds another tree than ${named} covers: ${has}`];
  } catch (error) {
    if (!(error instanceof MissingHashesError)) throw error;
    return ["damaged_tree", `the tree in the database, of which ${named} was signed, is damaged: ${error.message}`];
  }
}

/** The checkpoint of a note that a key of the log has signed. @throws NoteError. */
export function verifiedCheckpoint(
  note: string,
  { state, ownVerifiers }: Pick<Evidence, "state" | "ownVerifiers">,
): Checkpoint {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  const recorded = state.logKeys.map(parseVerifierKey).filter(({ name }) => name === checkpoint.origin);
  const own = ownVerifiers(checkpoint.origin);
  const known = new Map([...recorded, ...own].map((verifier) => [verifier.verifierKey, verifier]));
  verifyNote(parsed, [...known.values()]);
  return checkpoint;
}

/** Whether the origin that came after a checkpoint's own names a larger one that it contradicts, or the same. */
function isLinked(checkpoint: Checkpoint, origins: readonly OpenedOrigin[]): boolean {
  const successor = origins[origins.findIndex(({ origin }) => origin === checkpoint.origin) + 1];
  const linked = checkpointOf(successor?.contradicted);
  if (linked?.origin !== checkpoint.origin) return false;
  return linked.size > checkpoint.size || isSame(linked, checkpoint);
}

/** The checkpoint of a note, whoever has signed it; absent where there is none, or it is no checkpoint. */
export function checkpointOf(note: string | undefined): Checkpoint | undefined {
  try {
    return note === undefined ? undefined : parseCheckpoint(parseNote(note).text);
  } catch (error) {
    if (error instanceof NoteError) return undefined;
    throw error;
  }
}

function isSame(one: Checkpoint, other: Checkpoint): boolean {
  return one.size === other.size && one.root.equals(other.root);
}

/** How a checkpoint is named to people. */
export function checkpointFacts({ origin, size, root }: Checkpoint): string {
  return `origin ${origin}, size ${size}, root ${root.toString("base64")}`;
}

/** Characters of a note that a database keeps and an event can tell. */
const NOTE_CHARACTERS = 16 * 1024;

function linkable(note: string): string | undefined {
  return note.length <= NOTE_CHARACTERS && note.isWellFormed() && !note.includes("\0") ? note : undefined;
}
