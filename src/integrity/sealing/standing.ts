import type { Database } from "../../postgres/database.ts";
import type { Logger } from "../../telemetry/logs.ts";
import type { TileStore } from "../log/tile_store.ts";
import { type Contradiction, findContradiction } from "./contradiction.ts";
import type { KeptOutside } from "./kept_outside.ts";
import type { LogKeys } from "./log_keys.ts";
import { logVerifiers } from "./log_signers.ts";
import type { Notices } from "./notices.ts";
import { madeUpOrigin } from "./origin.ts";
import { openOrigin, readSealingState, type SealingState } from "./statements.ts";

export interface StandingParts {
  readonly database: Database;
  readonly tiles: TileStore;
  readonly kept: KeptOutside;
  readonly keys: LogKeys;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly notices: Notices;
}

/** The log as the database has it, compared with what was signed of it. */
export interface Standing {
  readonly state: SealingState;
  /** The note that is kept outside; absent as well where it cannot be read. */
  readonly kept: string | undefined;
  readonly contradiction: Contradiction | undefined;
}

/** @throws what the database throws. */
export async function readStanding(parts: Omit<StandingParts, "log" | "notices">): Promise<Standing> {
  const { database, tiles, kept: file, keys } = parts;
  // What is kept outside never lies ahead of what the database had before.
  const note = await file.read();
  const state = await readSealingState(database);
  tiles.forget();
  const contradiction = await findContradiction({
    state,
    kept: note === undefined ? undefined : { note, file: file.file },
    ownVerifiers: (origin) => logVerifiers(keys, origin),
    tiles,
  });
  return { state, kept: note, contradiction };
}

/**
 * The same, with an origin where nothing is contradicted: the first is opened as `wanted`, or under a name made up.
 *
 * @throws as readStanding.
 */
export async function readOpened(parts: StandingParts, wanted: string | undefined): Promise<Standing> {
  const standing = await readStanding(parts);
  if (standing.contradiction !== undefined || standing.state.origins.length > 0) return standing;
  await openOrigin(parts.database, { origin: wanted ?? madeUpOrigin(), contradicted: undefined, reason: "" });
  return readStanding(parts);
}

/** How each comes about, and how it is undone. */
const CAUSES: Readonly<Record<Contradiction["kind"], string>> = {
  older_tree:
    "Entries were taken back, as where an older state of the database was restored: restore the one that the checkpoint was made of",
  other_root:
    "Entries were changed, or an older state of the database was restored and others were added since: restore the database that " +
    "the checkpoint was made of",
  unknown_origin:
    "The data folder is that of another log, or an older state of the database was restored: give the service its own data folder, " +
    "or restore the database that the checkpoint was made of",
  unverified:
    "The checkpoint was changed, or is one of another log: put back the right one, or the database that it was made of",
  damaged_tree: "Hashes of the tree are lost or changed: restore the database that the checkpoint was made of",
};

/** Says what is contradicted and how to go on, at once and each minute. */
export function tellContradiction(
  { kind, text }: Contradiction,
  { log, notices }: Pick<StandingParts, "log" | "notices">,
): void {
  notices.tell(text, () =>
    log.error(
      { contradiction: kind },
      `the log contradicts what was signed of it: ${text}. Nothing is indexed or signed until this is resolved; events go on being ` +
        `recorded. ${CAUSES[kind]}; or, where this is to be used as it is, go on under another origin, which says for good what ` +
        "it contradicts: datastorage log new-origin NAME --reason TEXT",
    ),
  );
}

/** Says that the setting names another origin than the one in use, at once and each minute. */
export function tellOtherOrigin(
  origin: string,
  wanted: string,
  { log, notices }: Pick<StandingParts, "log" | "notices">,
): void {
  notices.tell("other origin", () =>
    log.error(
      { origin, wanted },
      `DATASTORAGE_LOG_ORIGIN is ${wanted}, and the origin of the log is ${origin}: this process signs nothing until they agree. Set ` +
        `it to ${origin}, or, where the log was never signed as ${wanted}, open that: datastorage log new-origin ${wanted}`,
    ),
  );
}

/** Says that keys sign that have not signed under this origin before. */
export function tellNewKeys(origin: string, { log, notices }: Pick<StandingParts, "log" | "notices">): void {
  const text = "the log is signed with other keys than before: whoever checks it has to learn them";
  notices.tell("new keys", () => log.warn({ origin }, text));
}
