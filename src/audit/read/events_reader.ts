import type { Json } from "../../integrity/canonical.ts";
import type { Database } from "../../postgres/database.ts";
import { readEach, readRows } from "../../postgres/read.ts";
import type { Statement } from "../../postgres/statement.ts";
import { parseTimestamp, timestampText } from "../timestamp.ts";
import { type FoundKeys, planFind, planGet, planPage } from "./plan.ts";
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
  /** Place in the log over all events, decimal; null until it has one, absent where the row is not read from the store. */
  readonly log_index?: string | null;
  /** Entries that the latest published checkpoint covered when the row was read, decimal. */
  readonly published_size?: string;
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

/** Matches up to which the GIN index is asked for all of them; a payload more common than that is soon found by time. */
const FOUND_KEYS = 5000;
/** Statements that each connection remembers, with their plans; planning another takes a millisecond or two. */
const PREPARED_STATEMENTS = 64;

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
    const more = await readEach<EventRow>(this.#database, this.#asPrepared(statement), signal, (row) => {
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

  #run<R extends object>(statement: Statement, signal: AbortSignal): Promise<readonly R[]> {
    return readRows<R>(this.#database, this.#asPrepared(statement), signal);
  }

  /** Filters make more statements than a connection can remember: those that come first are prepared. */
  #asPrepared(statement: Statement): Statement {
    if (this.#prepared.size < PREPARED_STATEMENTS) this.#prepared.add(statement.text);
    return { ...statement, prepare: this.#prepared.has(statement.text) };
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
