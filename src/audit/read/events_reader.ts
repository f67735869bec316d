import { Fault } from "../../fault.ts";
import { classifyError } from "../../postgres/errors.ts";
import type { Sql } from "../../postgres/pool.ts";
import { parseTimestamp, timestampText } from "../timestamp.ts";
import { type FoundKeys, planFind, planGet, planPage, type Statement } from "./plan.ts";
import { type Cursor, type EventQuery, encodeToken } from "./query.ts";

/** A row of audit_events as PostgreSQL's text has it. */
export interface EventRow {
  readonly event_id: string;
  readonly event_version: string;
  readonly event_timestamp: string;
  readonly event_date: string;
  readonly event_type: string;
  readonly event_category: string;
  readonly event_action: string;
  readonly event_outcome: string;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly correlation_id: string;
  readonly parent_event_id: string | null;
  readonly parent_event_date: string | null;
  readonly namespace: string | null;
  readonly cluster_name: string | null;
  readonly event_data: string;
  readonly event_hash: string;
  readonly previous_event_hash: string | null;
  readonly severity: string | null;
  readonly duration_ms: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly retention_days: number;
  readonly is_sensitive: boolean;
  readonly legal_hold: boolean;
  readonly legal_hold_reason: string | null;
  readonly legal_hold_placed_by: string | null;
  readonly legal_hold_placed_at: string | null;
  readonly chain_position: string;
  readonly recorded_time: string;
  readonly recorded_by: string;
  /** False for the row that used up the scan budget and does not belong to the page. */
  readonly matches: boolean;
}

export interface Page<T> {
  readonly events: readonly T[];
  /** Empty at the end. */
  readonly nextPageToken: string;
}

export interface ReadOptions {
  /** Candidates that one page looks at for a filter that no index serves. */
  readonly scanBudgetRows: number;
}

/** Rows fetched at once: a page of large events stops after a few. */
const ROWS_AT_ONCE = 100;
/** Matches up to which the GIN index is asked for all of them; a payload more common than that is soon found by time. */
const FOUND_KEYS = 5000;
const RETRY_AFTER_MS = 1000;

/** Reads events; every statement is cancelled in the database when `signal` is. */
export class EventsReader {
  readonly #sql: Sql;
  readonly #options: ReadOptions;

  constructor(sql: Sql, options: ReadOptions) {
    this.#sql = sql;
    this.#options = options;
  }

  /** One event by its id; undefined where there is none. */
  async get(eventId: string, signal: AbortSignal): Promise<EventRow | undefined> {
    const [row] = await this.#run<EventRow>(planGet(eventId), signal);
    return row;
  }

  /**
   * One page. `accept` turns a row into what is answered; where it gives undefined, the page is full and ends before that
   * row (it is always given one row at least).
   */
  async list<T>(
    query: EventQuery,
    cursor: Cursor | undefined,
    pageSize: number,
    accept: (row: EventRow) => T | undefined,
    signal: AbortSignal,
  ): Promise<Page<T>> {
    const found = await this.#find(query, signal);
    const statement = planPage(query, cursor, pageSize + 1, this.#options.scanBudgetRows, found);
    const events: T[] = [];
    let last: Cursor | undefined;
    const more = await this.#each<EventRow>(statement, signal, (row) => {
      if (!row.matches) {
        last = cursorAt(query, row);
        return false;
      }
      const event = events.length < pageSize ? accept(row) : undefined;
      if (event === undefined) return false;
      events.push(event);
      last = cursorAt(query, row);
      return true;
    });
    return { events, nextPageToken: more && last !== undefined ? encodeToken(query, last) : "" };
  }

  /** The keys of the events with the payload asked for, where the GIN index serves best. */
  async #find(query: EventQuery, signal: AbortSignal): Promise<FoundKeys | undefined> {
    if (query.contains === undefined || query.correlationId !== undefined) return undefined;
    const statement = planFind(query, query.contains, FOUND_KEYS);
    const rows = await this.#run<{ event_id: string; event_date: string }>(statement, signal);
    if (rows.length > FOUND_KEYS) return undefined;
    return { eventIds: rows.map((row) => row.event_id), eventDates: rows.map((row) => row.event_date) };
  }

  async #run<R extends object>({ text, parameters }: Statement, signal: AbortSignal): Promise<readonly R[]> {
    const pending = this.#sql.unsafe<R[]>(text, [...parameters], { prepare: true });
    return cancellable(pending, signal, async () => await pending);
  }

  /** Calls `take` for each row until it gives false; true: there was a row that it did not take, or the last was refused. */
  async #each<R extends object>(
    statement: Statement,
    signal: AbortSignal,
    take: (row: R) => boolean,
  ): Promise<boolean> {
    const pending = this.#sql.unsafe<R[]>(statement.text, [...statement.parameters], { prepare: true });
    return cancellable(pending, signal, async () => {
      for await (const rows of pending.cursor(ROWS_AT_ONCE)) {
        for (const row of rows) if (!take(row)) return true;
      }
      return false;
    });
  }
}

function cursorAt(query: EventQuery, row: EventRow): Cursor {
  if (query.order === "chain_position") return { position: Number(row.chain_position) };
  return { timestamp: timestampText(parseTimestamp(row.event_timestamp)), eventId: row.event_id };
}

/** Runs a statement, cancels it in the database when the caller has gone or its deadline has passed. */
async function cancellable<T>(pending: { cancel(): unknown }, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const cancel = () => void pending.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault || classifyError(error) === "defect" || classifyError(error) === "permanent")
      throw error;
    throw new Fault("unavailable", "the database cannot be read now", {
      reason: "DATABASE_UNAVAILABLE",
      retryAfterMs: RETRY_AFTER_MS,
      cause: error,
    });
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
