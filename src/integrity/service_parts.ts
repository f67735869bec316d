import type { EventOutbox } from "../audit/event_outbox.ts";
import type { Database } from "../postgres/database.ts";
import type { LogReader } from "./log/log_reader.ts";
import type { TileStore } from "./log/tile_store.ts";
import type { VerifyChainParts } from "./verify/verify_chain.ts";

/** What proofs are made from. */
export interface ProofParts {
  /** Reads events. */
  readonly database: Database;
  readonly log: LogReader;
  readonly tiles: TileStore;
}

/** What the calls of IntegrityService need. */
export interface IntegrityParts extends ProofParts, VerifyChainParts {
  /** Takes the events of verifications. */
  readonly events: Pick<EventOutbox, "reserve">;
}
