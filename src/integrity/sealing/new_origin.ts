import type { Database } from "../../postgres/database.ts";
import { TileStore } from "../log/tile_store.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { NoteError, parseNote } from "../note/signed_note.ts";
import { type Contradiction, findContradiction } from "./contradiction.ts";
import type { KeptCheckpoint } from "./kept_checkpoint.ts";
import type { LogKeys } from "./log_keys.ts";
import { logVerifiers } from "./log_signers.ts";
import { openOrigin, readSealingState } from "./statements.ts";

/** What an origin was opened with. */
export interface OriginChange {
  readonly outcome: "opened" | "known";
  readonly origin: string;
  /** Last checkpoint under the origin before, as the database had it. */
  readonly predecessor: string | undefined;
  /** What the tree contradicts; its note is linked where it can be read. */
  readonly contradiction: Contradiction | undefined;
}

/**
 * Opens another origin, which is linked to the last checkpoint under the one before and to what is kept outside and contradicted.
 * `known` where a checkpoint was signed under it, also one that the database has forgotten as it was taken back.
 *
 * @throws what the database throws, or the file system where the kept checkpoint cannot be read.
 */
export async function openNewOrigin({
  database,
  kept,
  keys,
  origin,
  reason,
}: {
  readonly database: Database;
  readonly kept: KeptCheckpoint;
  readonly keys: LogKeys | undefined;
  readonly origin: string;
  readonly reason: string;
}): Promise<OriginChange> {
  const note = await kept.read();
  const state = await readSealingState(database);
  const contradiction = await findContradiction({
    state,
    kept: note === undefined ? undefined : { note, file: kept.file },
    ownVerifiers: (name) => (keys === undefined ? [] : logVerifiers(keys, name)),
    tiles: new TileStore(database),
  });
  const known = [note, ...state.origins.map(({ contradicted }) => contradicted)].some((text) => isOf(text, origin));
  const outcome = known ? "known" : await openOrigin(database, { origin, contradicted: contradiction?.note, reason });
  return { outcome, origin, predecessor: state.publishedNote ?? state.signedNote, contradiction };
}

/** Whether a note is a checkpoint of an origin. */
function isOf(note: string | undefined, origin: string): boolean {
  try {
    return note !== undefined && parseCheckpoint(parseNote(note).text).origin === origin;
  } catch (error) {
    if (error instanceof NoteError) return false;
    throw error;
  }
}
