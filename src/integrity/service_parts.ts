import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Database } from "../postgres/database.ts";
import type { LogReader } from "./log/log_reader.ts";
import type { TileStore } from "./log/tile_store.ts";

/** What the calls of IntegrityService need. */
export interface IntegrityParts {
  /** Reads events and chains. */
  readonly database: Database;
  readonly log: LogReader;
  readonly tiles: TileStore;
  /** Takes the events of verifications. */
  readonly events: Pick<EventOutbox, "reserve">;
}
