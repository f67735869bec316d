import type postgres from "postgres";
import { Fault } from "../../fault.ts";
import type { Json } from "../../integrity/canonical.ts";
import type { Database } from "../../postgres/database.ts";
import { classifyError, isConnectionLost } from "../../postgres/errors.ts";
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
  /** False: the row does not belong to the page; it comes only as the one that used up the scan budget. */
  readonly matches: boolean;
  /** Whether the row used up the scan budget: the page ends with it, and there may be more. */
  readonly budget_spent: boolean;
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
const ROWS_AT_ONCE = 32;
/** Matches up to which the GIN index is asked for all of them; a payload more common than that is soon found by time. */
const FOUND_KEYS = 5000;
/** Statements that each connection remembers, with their plans; planning another takes a millisecond or two. */
const PREPARED_STATEMENTS = 64;
/** A connection that is lost later than this has kept the caller waiting long enough. */
const TRY_AGAIN_MS = 500;
const RETRY_AFTER_MS = 1000;

/** Reads events; every statement is cancelled in the database when `signal` is. */
export class EventsReader {
  readonly #database: Database;
  readonly #options: ReadOptions;
  readonly #prepared = new Set<string>();

  constructor(database: Database, options: ReadOptions) {
    this.#database = database;
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
      if (row.matches) {
        const event = events.length < pageSize ? accept(row) : undefined;
        if (event === undefined) return false;
        events.push(event);
      }
      last = cursorAt(query, row);
      return !row.budget_spent;
    });
    return { events, nextPageToken: more && last !== undefined ? encodeToken(query, last) : "" };
  }

  /** The keys of the events with the payload asked for, where the GIN index serves best. */
  async #find(query: EventQuery, signal: AbortSignal): Promise<FoundKeys | undefined> {
    if (query.contains === undefined || query.correlationId !== undefined || !hasScalar(query.contains))
      return undefined;
    const statement = planFind(query, query.contains, FOUND_KEYS);
    const rows = await this.#run<{ event_id: string; event_date: string }>(statement, signal);
    if (rows.length > FOUND_KEYS) return undefined;
    return { eventIds: rows.map((row) => row.event_id), eventDates: rows.map((row) => row.event_date) };
  }

  async #run<R extends object>(statement: Statement, signal: AbortSignal): Promise<readonly R[]> {
    return this.#read<R, readonly R[]>(statement, signal, async (pending) => await pending);
  }

  /** Calls `take` for each row until it gives false. True: it did, so there may be more. */
  async #each<R extends object>(
    statement: Statement,
    signal: AbortSignal,
    take: (row: R) => boolean,
  ): Promise<boolean> {
    return this.#read<R, boolean>(statement, signal, async (pending, onRows) => {
      for await (const rows of pending.cursor(ROWS_AT_ONCE)) {
        onRows();
        for (const row of rows) if (!take(row)) return true;
      }
      return false;
    });
  }

  /** Filters make more statements than a connection can remember: those that come first are prepared. */
  #isPrepared(text: string): boolean {
    if (this.#prepared.size < PREPARED_STATEMENTS) this.#prepared.add(text);
    return this.#prepared.has(text);
  }

  /** Runs a statement; once more where its connection is lost soon and before it gave a row: another one may be good. */
  async #read<R extends object, T>(
    { text, parameters }: Statement,
    signal: AbortSignal,
    consume: (pending: postgres.PendingQuery<R[]>, onRows: () => void) => Promise<T>,
  ): Promise<T> {
    let begun = false;
    const started = performance.now();
    const attempt = () =>
      this.#database.run((sql) => {
        const pending = sql.unsafe<R[]>(text, [...parameters], { prepare: this.#isPrepared(text) });
        return cancellable(pending, signal, () =>
          consume(pending, () => {
            begun = true;
          }),
        );
      });
    try {
      return await attempt().catch((error: unknown) => {
        const late = performance.now() - started > TRY_AGAIN_MS;
        if (begun || late || signal.aborted || !isConnectionLost(error)) throw error;
        return attempt();
      });
    } catch (error) {
      signal.throwIfAborted();
      throw classifyError(error) === "transient" || classifyError(error) === "again" ? unreadable(error) : error;
    }
  }
}

/** Whether the index knows anything of an object: of empty ones it does not, and would have to be read as a whole. */
function hasScalar(value: Json): boolean {
  return typeof value !== "object" || value === null || Object.values(value).some(hasScalar);
}

function cursorAt(query: EventQuery, row: EventRow): Cursor {
  if (query.order === "chain_position") return { position: Number(row.chain_position) };
  return { timestamp: timestampText(parseTimestamp(row.event_timestamp)), eventId: row.event_id };
}

/** Runs a statement; when `signal` is aborted it rejects at once and the statement is cancelled in the database. */
async function cancellable<T>(pending: object, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    cancel(pending);
    aborted.reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([run(), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Cancels a statement over a connection of its own. What postgres.js makes of that connection's end is nobody's concern, but
 * its cancel() lets nobody catch it.
 */
function cancel(pending: object): void {
  const query = pending as { canceller?: ((query: unknown) => Promise<void>) | null };
  const canceller = query.canceller;
  query.canceller = null;
  canceller?.(pending).catch(() => {});
}

function unreadable(cause: unknown): Fault {
  const details = { reason: "DATABASE_UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS, cause };
  return new Fault("unavailable", "the database cannot be read now", details);
}
