import type { Database } from "../../postgres/database.ts";
import { readRows } from "../../postgres/read.ts";
import type { AsOf, TraceRow } from "../trace.ts";
import { traceStatement } from "./trace_statement.ts";

/** Reads traces; a statement is cancelled in the database when its signal is aborted. */
export class TraceReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * The events of a correlation in the order of their chain; none where it has none.
   *
   * @throws Fault `unavailable` when the database cannot answer now; the reason of `signal` when that is aborted.
   */
  read(correlationId: string, asOf: AsOf | undefined, signal: AbortSignal): Promise<readonly TraceRow[]> {
    return readRows<TraceRow>(this.#database, traceStatement(correlationId, asOf), signal);
  }
}
