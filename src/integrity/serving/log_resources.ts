import type { Resources } from "../../rpc/resources.ts";
import type { LogReader } from "../log/log_reader.ts";
import type { TileStore } from "../log/tile_store.ts";

/** What the log is served from. */
export interface LogResourcesParts {
  readonly log: Pick<LogReader, "state">;
  readonly tiles: Pick<TileStore, "tiles" | "entries">;
}

/** The log by plain HTTP, as C2SP tlog-tiles says: `/checkpoint`, `/tile/…`. */
export function logResources(parts: LogResourcesParts): readonly Resources[] {
  throw new Error(`not yet: ${typeof parts}`);
}
