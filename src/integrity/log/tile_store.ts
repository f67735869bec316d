import type { Database } from "../../postgres/database.ts";
import type { TileId } from "../merkle/tile.ts";

/** The tree's tiles and the bundles of entries as the database has them. Full ones never change and are kept in memory, 16 MiB at most. */
export class TileStore {
  constructor(_database: Database) {}

  /** Tiles by `level/index`, whole as they stand now; those that are not there are missing from the answer. One statement. */
  tiles(_ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>> {
    throw new Error("not yet");
  }

  /** Bundles of entries by their index, 32 bytes an entry. One statement. */
  entries(_bundleIndexes: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
    throw new Error("not yet");
  }

  /** Forgets what is kept in memory: the log was found to be another than it was. */
  forget(): void {
    throw new Error("not yet");
  }
}
