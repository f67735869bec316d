import { Fault } from "../../fault.ts";
import type { Database } from "../../postgres/database.ts";
import { readEach } from "../../postgres/read.ts";
import type { AsOf, TraceRow } from "../trace.ts";
import { traceStatement } from "./trace_statement.ts";

/** What a trace may have at most. */
export interface TraceLimits {
  readonly events: number;
  /** UTF-16 code units of all payloads. */
  readonly payload: number;
}

const LIMITS: TraceLimits = { events: 25_000, payload: 32 * 1024 * 1024 };
/** Rows fetched at once: each time costs a round trip, and rows may have 256 KiB. */
const ROWS_AT_ONCE = 500;

/** Reads traces; a statement is cancelled in the database when its signal is aborted. */
export class TraceReader {
  readonly #database: Database;
  readonly #limits: TraceLimits;

  constructor(database: Database, limits = LIMITS) {
    this.#database = database;
    this.#limits = limits;
  }

  /**
   * The events of a correlation in the order of their chain; none where it has none.
   *
   * @throws Fault `unavailable` when the database cannot answer now; `precondition` (TRACE_TOO_LARGE) for more than 25,000
   *   events or 32 MiB of payloads; the reason of `signal` when that is aborted.
   */
  async read(correlationId: string, asOf: AsOf | undefined, signal: AbortSignal): Promise<readonly TraceRow[]> {
    const rows: TraceRow[] = [];
    let payload = 0;
    const take = (row: TraceRow) => {
      payload += row.event_data.length;
      if (rows.length === this.#limits.events || payload > this.#limits.payload) return false;
      rows.push(row);
      return true;
    };
    const statement = traceStatement(correlationId, asOf);
    if (await readEach<TraceRow>(this.#database, statement, signal, take, ROWS_AT_ONCE)) {
      throw tooLarge(rows.length, this.#limits);
    }
    return rows;
  }
}

function tooLarge(read: number, { events, payload }: TraceLimits): Fault {
  const message =
    `the trace has more than the ${events} events or ${payload} characters of payloads that are read at once; ` +
    `as_of with a chain_position up to ${read} reads less`;
  return new Fault("precondition", message, { reason: "TRACE_TOO_LARGE", metadata: { last_position: String(read) } });
}
