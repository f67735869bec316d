import type { Database } from "../../postgres/database.ts";
import { TileStore } from "../log/tile_store.ts";
import { type Contradiction, checkpointOf, type Evidence, findContradiction } from "./contradiction.ts";
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
 * @throws what the database throws.
 */
export async function openNewOrigin({
  database,
  kept,
  keys,
  origin,
  reason,
}: {
  readonly database: Database;
  /** What is kept outside. */
  readonly kept: Evidence["kept"];
  readonly keys: LogKeys | undefined;
  readonly origin: string;
  readonly reason: string;
}): Promise<OriginChange> {
  const state = await readSealingState(database);
  const contradiction = await findContradiction({
    state,
    kept,
    ownVerifiers: (name) => (keys === undefined ? [] : logVerifiers(keys, name)),
    tiles: new TileStore(database),
  });
  const known = [kept?.note, ...state.origins.map(({ contradicted }) => contradicted)].some(
    (text) => checkpointOf(text)?.origin === origin,
  );
  const outcome = known ? "known" : await openOrigin(database, { origin, contradicted: contradiction?.note, reason });
  return { outcome, origin, predecessor: state.publishedNote ?? state.signedNote, contradiction };
}
