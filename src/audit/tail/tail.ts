import type { TailEventsRequest, TailEventsResponse } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { LogReader } from "../../integrity/log/log_reader.ts";
import type { LogGrowth } from "../../integrity/log/open_log.ts";
import type { Database } from "../../postgres/database.ts";

/** What a tail needs of the store. */
export interface TailParts {
  readonly database: Database;
  readonly log: Pick<LogReader, "state">;
  readonly growth: LogGrowth;
}

/** What ends a tail from outside. */
export interface TailCall {
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
  /** Aborted when the server is about to go. */
  readonly draining: AbortSignal;
}

/** Gives the events of a filter in the order of the log: TailEvents of the contract. */
export async function* tailEvents(
  _parts: TailParts,
  _request: TailEventsRequest,
  _call: TailCall,
): AsyncGenerator<TailEventsResponse> {
  yield await Promise.reject(new Error("not yet"));
}
