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
  /** The signed note that is contradicted; absent where it is not readable as one. */
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
  const { state } = evidence;
  let checkpoint: Checkpoint;
  try {
    checkpoint = verifiedCheckpoint(note, evidence);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    return {
      kind: "unverified",
      text: `${what} is not one that this log signed: ${error.message}`,
      note: readable(note),
    };
  }
  const named = `${what} (${checkpointFacts(checkpoint)})`;
  const found = (kind: Contradiction["kind"], text: string) => ({ kind, text, note });
  const inUse = state.origins.at(-1)?.origin === checkpoint.origin;
  if (!state.origins.some(({ origin }) => origin === checkpoint.origin)) {
    const known = state.origins.length === 0 ? "no origin" : state.origins.map(({ origin }) => origin).join(", ");
    return found("unknown_origin", `${named} is one of a log that the database does not know: it knows ${known}`);
  }
  if (!inUse && isLinked(checkpoint, note, state.origins)) return undefined;
  if (checkpoint.size > state.size) {
    return found("older_tree", `the database holds ${state.size} entries, fewer than ${named} covers`);
  }
  try {
    const root = await rootAt(evidence.tiles, checkpoint.size);
    if (root.equals(checkpoint.root)) return undefined;
    const has = `its first ${checkpoint.size} entries have the root ${root.toString("base64")}`;
    return found("other_root", `the database holds another tree than ${named} covers: ${has}`);
  } catch (error) {
    if (!(error instanceof MissingHashesError)) throw error;
    return found("damaged_tree", `the tree in the database is damaged, of which ${named} was signed: ${error.message}`);
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

/** Whether the origin that came after a checkpoint's own says that it follows it, or a larger one. */
function isLinked(checkpoint: Checkpoint, note: string, origins: readonly OpenedOrigin[]): boolean {
  const successor = origins[origins.findIndex(({ origin }) => origin === checkpoint.origin) + 1];
  const contradicted = successor?.contradicted;
  if (contradicted === undefined) return false;
  if (contradicted === note) return true;
  try {
    const linked = parseCheckpoint(parseNote(contradicted).text);
    return linked.origin === checkpoint.origin && (linked.size > checkpoint.size || isSame(linked, checkpoint));
  } catch {
    return false;
  }
}

function isSame(one: Checkpoint, other: Checkpoint): boolean {
  return one.size === other.size && one.root.equals(other.root);
}

/** How a checkpoint is named to people. */
export function checkpointFacts({ origin, size, root }: Checkpoint): string {
  return `origin ${origin}, size ${size}, root ${root.toString("base64")}`;
}

function readable(note: string): string | undefined {
  try {
    parseCheckpoint(parseNote(note).text);
    return note;
  } catch {
    return undefined;
  }
}
