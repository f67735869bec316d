import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../fault.ts";
import type { Database } from "../../postgres/database.ts";
import { readRows } from "../../postgres/read.ts";
import type { Statement } from "../../postgres/statement.ts";
import {
  type KeyRow,
  keysStatement,
  lastPendingStatement,
  pendingStatement,
  pendingUpToStatement,
  type RunRow,
  runAtStatement,
  runOfStatement,
  type StateRow,
  stateStatement,
} from "./reader_statements.ts";

/** How far the log has come. */
export interface LogState {
  /** Events that have an index: 0 up to size - 1. */
  readonly size: number;
  /** Root of the tree of that size: 32 bytes. */
  readonly root: Buffer;
  /** The origin in use; absent until the first is opened. */
  readonly origin: string | undefined;
  /** Entries that the latest published checkpoint covers; 0 without one. */
  readonly publishedSize: number;
  readonly publishedNote: string | undefined;
  /** RFC 3339 with microseconds. */
  readonly publishedTime: string | undefined;
  readonly signedSize: number;
}

/** Where consecutive events of a chain stand in the log. */
export interface Run {
  readonly firstLogIndex: number;
  readonly eventCount: number;
  readonly correlationId: string;
  readonly firstPosition: number;
  /** Earliest and latest event_date among them: YYYY-MM-DD. */
  readonly firstDate: string;
  readonly lastDate: string;
  /** In hex. */
  readonly salt: string;
}

/** A public key that has signed. Times are RFC 3339 with microseconds. */
export interface LogKey {
  readonly verifierKey: string;
  readonly purpose: "log" | "cosigner" | "export";
  readonly firstUsedTime: string;
  readonly lastUsedTime: string;
}

/** What settled waits for. */
export interface SettledOptions {
  /** Also until a published checkpoint covers it. */
  readonly covered: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks of settled: at first, and at most. */
const SOON_MS = 10;
const LATER_MS = 100;

/**
 * What everyone may ask of the log.
 *
 * Each method throws Fault `unavailable` while the database cannot be read, and the reason of its signal when that is aborted.
 */
export class LogReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async state(signal: AbortSignal): Promise<LogState> {
    return logState(await this.#one<StateRow>(stateStatement(), signal));
  }

  /** Recorded events that have no index yet. */
  async pendingEvents(signal: AbortSignal): Promise<number> {
    return Number((await this.#one<{ events: string }>(pendingStatement(), signal)).events);
  }

  /** The run that an index lies in. */
  async runAt(logIndex: number, signal: AbortSignal): Promise<Run | undefined> {
    const [row] = await readRows<RunRow>(this.#database, runAtStatement(logIndex), signal);
    const run = row && runOf(row);
    return run && logIndex < run.firstLogIndex + run.eventCount ? run : undefined;
  }

  /** The run that a place of a chain lies in. */
  async runOf(correlationId: string, position: number, signal: AbortSignal): Promise<Run | undefined> {
    const [row] = await readRows<RunRow>(this.#database, runOfStatement(correlationId, position), signal);
    const run = row && runOf(row);
    return run && position < run.firstPosition + run.eventCount ? run : undefined;
  }

  /** Every key that has signed, the earliest first. */
  async keys(signal: AbortSignal): Promise<LogKey[]> {
    const rows = await readRows<KeyRow>(this.#database, keysStatement(), signal);
    return rows.map((row) => ({
      verifierKey: row.verifier_key,
      purpose: row.purpose,
      firstUsedTime: row.first_used_time,
      lastUsedTime: row.last_used_time,
    }));
  }

  /**
   * Waits until everything that was recorded before the call has an index and, with `covered`, lies in a published checkpoint;
   * false when that is not so within `timeoutMs`.
   */
  async settled({ covered, timeoutMs, signal }: SettledOptions): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    const last = await this.#one<{ pending_id: string | null }>(lastPendingStatement(), signal);
    let size: number | undefined;
    for (let pause = SOON_MS; ; pause = Math.min(2 * pause, LATER_MS)) {
      const row = await this.#one<UpToRow>(pendingUpToStatement(last.pending_id ?? "0"), signal);
      if (!row.pending) size ??= Number(row.size);
      if (size !== undefined && (!covered || Number(row.published_size) >= size)) return true;
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await delay(Math.min(pause, left), undefined, { signal });
    }
  }

  async #one<R extends object>(statement: Statement, signal: AbortSignal): Promise<R> {
    const [row] = await readRows<R>(this.#database, statement, signal);
    if (row === undefined) {
      const message = "the log has lost its state: audit_log_state holds no row";
      throw new Fault("precondition", message, { reason: "LOG_CONTRADICTED" });
    }
    return row;
  }
}

interface UpToRow {
  readonly pending: boolean;
  readonly size: string;
  readonly published_size: string;
}

/** The state as its row has it. */
export function logState(row: StateRow): LogState {
  return {
    size: Number(row.size),
    root: Buffer.from(row.root, "hex"),
    origin: row.origin ?? undefined,
    publishedSize: Number(row.published_size),
    publishedNote: row.published_note ?? undefined,
    publishedTime: row.published_time ?? undefined,
    signedSize: Number(row.signed_size),
  };
}

function runOf(row: RunRow): Run {
  return {
    firstLogIndex: Number(row.first_log_index),
    eventCount: row.event_count,
    correlationId: row.correlation_id,
    firstPosition: Number(row.first_position),
    firstDate: row.first_date,
    lastDate: row.last_date,
    salt: row.salt,
  };
}
