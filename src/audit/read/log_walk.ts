import type { Database } from "../../postgres/database.ts";
import type { EventRow } from "./events_reader.ts";
import type { EventQuery } from "./query.ts";

/** A row of audit_events with its place in the log. */
export interface WalkRow extends EventRow {
  /** Its place in the log, decimal. */
  readonly log_index: string;
  /** The event's salt in hex; null where it was erased, or where salts were not asked for. */
  readonly salt: string | null;
  /** Salt of its run in hex: what its log_salt is made of. */
  readonly run_salt: string;
}

/** A stretch of the log, both ends included. */
export interface LogStretch {
  readonly first: number;
  readonly last: number;
}

/** A removed stretch as its run knows it: within one run, so that its entries can be opened. */
export interface RemovedStretch extends LogStretch {
  readonly correlationId: string;
  /** chain_position of `first`. */
  readonly firstPosition: number;
  /** Salt of the run in hex. */
  readonly runSalt: string;
}

/** The next stretch of the log. */
export interface WalkStep {
  /** What matches, in the order of the log. */
  readonly rows: readonly WalkRow[];
  /** Events that are no longer stored, in the order of the log. */
  readonly removed: readonly RemovedStretch[];
  /** Last index that was looked at. */
  readonly upTo: number;
}

export interface WalkOptions {
  readonly query: EventQuery;
  /** Begin behind this index; -1: with the first. */
  readonly after: number;
  /** Ends before this index: at most the size of the log. */
  readonly end: number;
  /** Bytes of rows in a step, about; one row at least. */
  readonly maxBytes: number;
  /** Whether rows bring their salts. */
  readonly salts: boolean;
  readonly signal: AbortSignal;
}

/** Events in the order of the log. */
export async function* walkLog(_database: Database, _options: WalkOptions): AsyncGenerator<WalkStep> {
  yield await Promise.reject(new Error("not yet"));
}
