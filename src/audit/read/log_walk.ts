import type { Database } from "../../postgres/database.ts";
import { readEach, readRows } from "../../postgres/read.ts";
import type { Statement } from "../../postgres/statement.ts";
import { Turns } from "../../turns.ts";
import type { EventRow } from "./events_reader.ts";
import { filterConditions } from "./plan.ts";
import type { EventQuery } from "./query.ts";
import {
  behind,
  countFor,
  isWithinDates,
  lastIndex,
  missing,
  missingFrom,
  partOf,
  type RunPart,
  type RunRow,
  refuseGaps,
} from "./run_parts.ts";
import { planEvents, planRuns, planRunsOfChain, planSight, type Sight } from "./walk_statements.ts";

/** What the walk tells of an event besides the columns that were asked for, and what it needs of those. */
export interface PlacedRow {
  readonly chain_position: string;
  /** The payload, or another text that may be as long. */
  readonly event_data: string;
  readonly error_message?: string | null;
  /** Its place in the log, decimal. */
  readonly log_index: string;
  /** Salt of its run in hex: what its log_salt is made of. */
  readonly run_salt: string;
}

/** A row of audit_events with its place in the log. */
export type WalkRow = EventRow & PlacedRow;

/** Consecutive places of the log within one run whose events are no longer stored. */
export interface RemovedStretch {
  /** Places in the log, both included. */
  readonly first: number;
  readonly last: number;
  readonly correlationId: string;
  /** chain_position of `first`. */
  readonly firstPosition: number;
  /** Salt of the run in hex. */
  readonly runSalt: string;
}

/** The next stretch of the log. */
export interface WalkStep<Row = WalkRow> {
  /** What matches, in the order of the log. */
  readonly rows: readonly Row[];
  /** What is no longer stored, in the order of the log. */
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
  /** SQL over audit_events, in place of the columns of EventRow: what makes a row Row. */
  readonly columns?: string | undefined;
  readonly signal: AbortSignal;
}

/** Runs that are listed at once. */
const RUNS_AT_ONCE = 2048;
/** Events that one look for matches goes over, about. */
const SIGHT_EVENTS = 20_000;
/** Rows of one statement. */
const MOST_ROWS = 4096;
const FIRST_ROWS = 256;
/**
 * Rows that are fetched together: mostly all of a step, so that PostgreSQL makes the next ones while these are written. Of those that
 * turn out larger than the ones before, what does not fit any more is dropped as it arrives, and fetched again.
 */
const ROWS_AT_ONCE = 1024;
/** What a row takes beside its texts of any length. */
const ROW_BYTES = 1200;

/**
 * Events in the order of the log, step by step, the last of which ends with `end - 1`. For a query with a correlation it goes
 * along that one's runs alone; else along all of them, leaving out those whose dates lie outside of the time range. Removed
 * stretches are told whatever the filter says, since nobody knows whether they matched.
 *
 * The next step is read while the consumer has the one before, and no connection is held in between: a consumer of any slowness
 * costs the memory of two steps.
 *
 * @throws Fault `unavailable` when the database cannot be read, `precondition` LOG_DAMAGED where runs are missing from the log;
 * the reason of `signal` when that is aborted.
 */
export async function* walkLog<Row extends PlacedRow = WalkRow>(
  database: Database,
  options: WalkOptions,
): AsyncGenerator<WalkStep<Row>> {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const walk = new Walk<Row>(database, { ...options, signal });
  try {
    for (let next = walk.step(); next !== undefined; ) {
      const step = await next;
      next = walk.step();
      // It is looked at when the consumer comes back.
      next?.catch(() => {});
      yield step;
    }
  } finally {
    left.abort();
  }
}

class Walk<Row extends PlacedRow> {
  readonly #database: Database;
  readonly #options: WalkOptions;
  readonly #filtered: boolean;
  #upTo: number;
  /** Runs that were listed and not looked at yet. */
  #runs: RunPart[] = [];
  /** Up to where runs were listed. */
  #listedTo: number;
  /** Place of the chain behind which its runs are still to be listed. */
  #behindPosition = 0;
  /** What is to be read next. */
  #parts: RunPart[] = [];
  /** Last index that is looked at when #parts are read. */
  #partsTo: number;
  #removed: RunPart[] = [];
  #rowsAtOnce = FIRST_ROWS;

  constructor(database: Database, options: WalkOptions) {
    this.#database = database;
    this.#options = options;
    this.#filtered = filterConditions(options.query, () => "").length > 0;
    this.#upTo = this.#listedTo = this.#partsTo = options.after;
  }

  /** The next step; undefined at the end. Not to be called while one is under way. */
  step(): Promise<WalkStep<Row>> | undefined {
    return this.#upTo + 1 < this.#options.end ? this.#step() : undefined;
  }

  async #step(): Promise<WalkStep<Row>> {
    if (this.#parts.length === 0) await this.#nextParts();
    const rows = this.#parts.length === 0 ? [] : await this.#readRows();
    this.#upTo = this.#parts.length === 0 ? this.#partsTo : (this.#parts[0] as RunPart).firstIndex - 1;
    const told = this.#removed.findIndex((part) => part.firstIndex > this.#upTo);
    const removed = this.#removed.splice(0, told < 0 ? this.#removed.length : told);
    return { rows, removed: removed.map(toStretch), upTo: this.#upTo };
  }

  /** Fills #parts with what may have events to give, as far as #partsTo. */
  async #nextParts(): Promise<void> {
    if (this.#runs.length === 0) await this.#listRuns();
    if (!this.#filtered) {
      this.#parts = this.#runs;
      this.#runs = [];
      this.#partsTo = this.#listedTo;
      return;
    }
    const looked = this.#runs.splice(0, countFor(this.#runs, SIGHT_EVENTS));
    this.#partsTo = this.#runs.length === 0 ? this.#listedTo : lastIndex(looked.at(-1) as RunPart);
    if (looked.length === 0) return;
    const sights = await this.#read<Sight>(planSight(looked, this.#options.query));
    for (const { place, matching, present } of sights) {
      const part = looked[Number(place) - 1] as RunPart;
      if (Number(matching) > 0) this.#parts.push(part);
      if (present !== null) this.#removed.push(...missing(part, positions(present)));
    }
  }

  async #listRuns(): Promise<void> {
    const { query, end } = this.#options;
    const from = this.#listedTo + 1;
    const { correlationId } = query;
    const statement =
      correlationId === undefined
        ? planRuns(from, end, RUNS_AT_ONCE)
        : planRunsOfChain(correlationId, this.#behindPosition, from, end, RUNS_AT_ONCE);
    const rows = await this.#read<RunRow>(statement);
    if (correlationId === undefined) refuseGaps(rows, from);
    const parts = rows.map((row) => partOf(row, from, end));
    const last = parts.at(-1);
    const all = correlationId !== undefined && rows.length < RUNS_AT_ONCE;
    this.#listedTo = last === undefined || all ? end - 1 : lastIndex(last);
    this.#behindPosition = Number(rows.at(-1)?.first_position ?? this.#behindPosition);
    this.#runs = parts.filter((part) => isWithinDates(part, query));
  }

  /** Reads events of #parts, as many as fit, and leaves there what is still to be read. */
  async #readRows(): Promise<Row[]> {
    const { query, maxBytes, columns, signal } = this.#options;
    const wanted = this.#parts.slice(0, countFor(this.#parts, this.#rowsAtOnce));
    const statement = planEvents(wanted, query, this.#rowsAtOnce, columns);
    const rows: Row[] = [];
    let bytes = 0;
    const take = (row: Row) => {
      bytes += ROW_BYTES + row.event_data.length + (row.error_message?.length ?? 0);
      if (bytes > maxBytes && rows.length > 0) return false;
      rows.push(row);
      return true;
    };
    const atOnce = Math.min(ROWS_AT_ONCE, this.#rowsAtOnce);
    const read = () => readEach(this.#database, statement, signal, take, atOnce);
    const full = await turnsOf(this.#database).take(signal, read);
    const more = full || rows.length === this.#rowsAtOnce;
    const upTo = more ? Number((rows.at(-1) as Row).log_index) : lastIndex(wanted.at(-1) as RunPart);
    if (!this.#filtered) this.#removed.push(...missingFrom(wanted, rows, upTo));
    const rest = more ? wanted.map((part) => behind(part, upTo)).filter((part) => part.eventCount > 0) : [];
    this.#parts.splice(0, wanted.length, ...rest);
    this.#rowsAtOnce = rowsFor(maxBytes, bytes, rows.length, this.#rowsAtOnce);
    return rows;
  }

  #read<R extends object>(statement: Statement): Promise<readonly R[]> {
    const { signal } = this.#options;
    return turnsOf(this.#database).take(signal, () => readRows<R>(this.#database, statement, signal));
  }
}

/** Statements of all walks over a pool of connections that run at the same time: the others are for calls that wait for an answer. */
const STATEMENTS_AT_ONCE = 3;
const turns = new WeakMap<Database, Turns>();

function turnsOf(database: Database): Turns {
  const known = turns.get(database) ?? new Turns(STATEMENTS_AT_ONCE);
  turns.set(database, known);
  return known;
}

/** How many rows are likely to fill a step: by what those of the last one took, and not much more than them. */
function rowsFor(maxBytes: number, bytes: number, rows: number, before: number): number {
  if (rows === 0) return before;
  return Math.max(1, Math.min(MOST_ROWS, before * 4, Math.ceil(maxBytes / (bytes / rows))));
}

function toStretch(part: RunPart): RemovedStretch {
  const { firstIndex, correlationId, firstPosition, runSalt } = part;
  return { first: firstIndex, last: lastIndex(part), correlationId, firstPosition, runSalt };
}

/** The numbers of PostgreSQL's text of an array. */
function positions(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}
