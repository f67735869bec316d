import type { LogGrowth } from "./log_growth.ts";
import type { LogReader } from "./log_reader.ts";
import type { TileStore } from "./tile_store.ts";

export type { LogGrowth } from "./log_growth.ts";

/** The log of a running service. */
export interface OpenLog {
  readonly reader: LogReader;
  readonly tiles: TileStore;
  readonly growth: LogGrowth;
  /** The schema is there: begins to index, or to wait for the process that does. */
  begin(): void;
  /** This process has recorded events. */
  recorded(): void;
  /** Indexes and signs what was recorded, where that takes no longer than a second, and closes the connections. */
  close(): Promise<void>;
}
