import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "@opentelemetry/api";
import { Fault } from "../../fault.ts";
import { Availability } from "../../postgres/availability.ts";
import { Database } from "../../postgres/database.ts";
import { classifyError } from "../../postgres/errors.ts";
import { type AppendObserver, append, unavailable } from "./appender.ts";
import { QueueDetour } from "./detour.ts";
import { HeadCache } from "./head_cache.ts";
import type { Overflow } from "./overflow.ts";
import { openQueueAppender, type QueueAppender } from "./queue_appender.ts";
import { Writer, type WriterOptions } from "./writer.ts";

export interface LogWriterOptions extends WriterOptions {
  readonly databaseUrl: string;
  /** Milliseconds that an append may run. */
  readonly appendTimeoutMs: number;
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  readonly observer: AppendObserver;
  /** Watches the appends of what waited in the queue. */
  readonly queueObserver: AppendObserver;
  /** Runs an append in a span, given the traces of the calls whose events it holds. */
  readonly traceAppend: (calls: readonly Context[], events: number, run: () => Promise<void>) => Promise<void>;
  readonly onAvailability: (available: boolean, cause: unknown) => void;
  /** Where events wait that the database cannot take. Absent: they are refused. */
  readonly overflow?: Overflow | undefined;
}

/** Chains whose heads are kept in memory: some 20 MB at most. */
const CACHED_HEADS = 50_000;

/** The writer over PostgreSQL: a connection for each lane, one for the queue, and one that looks whether the database is back. */
export interface LogWriter {
  readonly writer: Writer;
  readonly availability: Availability;
  /** Stores what waited in the queue. */
  readonly queueAppender: QueueAppender;
  /** To be called when the overflow begins or ceases to take events, or has let a correlation go. */
  overflowChanged(): void;
  /** Gives what the database has not settled to the queue, its fate unknown. For a shutdown that cannot wait longer. */
  abandon(): void;
  /** Waits for what is pending, for so many milliseconds at most, and closes the connections. */
  close(timeoutMs: number): Promise<void>;
}

export function openLogWriter(options: LogWriterOptions): LogWriter {
  const { overflow } = options;
  const lanes = Array.from({ length: options.lanes }, (_, lane) => {
    return openConnection(options, `datastorage append ${lane + 1}`);
  });
  const [probe, drain] = [openConnection(options, "datastorage probe"), openConnection(options, "datastorage drain")];
  const heads = new HeadCache(CACHED_HEADS);
  const overflowChanged = () => {
    if (availability.available || overflow?.takes) writer.recover();
    else writer.suspend(noStore(availability.cause, overflow));
  };
  const availability = new Availability(probe, (available, cause) => {
    overflowChanged();
    queueAppender.changed();
    options.onAvailability(available, cause);
  });
  const run: ConstructorParameters<typeof Writer>[1] = async (lane, items, settle) => {
    const calls = [...new Set(items.map(({ queue }) => queue))].map((caller) => caller.trace);
    const byEvent = new Map(items.map((item) => [item.event, item]));
    try {
      await options.traceAppend(calls, items.length, () =>
        append(
          lanes[lane] as Database,
          items.map(({ event }) => event),
          (event, outcome) => settle(byEvent.get(event) as (typeof items)[number], outcome),
          { ...options, heads },
        ),
      );
    } catch (error) {
      if (error instanceof Fault && isAway(error)) availability.lost(error);
      throw error;
    }
  };
  const detour = overflow && new QueueDetour({ overflow, database: availability });
  const writer: Writer = new Writer(options, run, detour);
  overflowChanged();
  const queueAppender = openQueueAppender(drain, availability, { ...options, observer: options.queueObserver, heads });
  return {
    writer,
    availability,
    queueAppender,
    overflowChanged,
    abandon: () => writer.abandon(unavailable("the database did not answer before the shutdown", undefined)),
    async close(timeoutMs) {
      const bound = new AbortController();
      await Promise.race([writer.drained(), delay(timeoutMs, undefined, { signal: bound.signal }).catch(() => {})]);
      bound.abort();
      availability.close();
      await Promise.all([...lanes, probe, drain].map((connection) => connection.end()));
    },
  };
}

/** Whether an append failed because the database is away, and not because it lost races or met a defect. */
function isAway(fault: Fault): boolean {
  return fault.cause !== undefined && classifyError(fault.cause) === "transient";
}

/** What a caller is told while neither store takes its events. */
function noStore(cause: unknown, overflow: Overflow | undefined): Fault {
  if (overflow === undefined) return cause instanceof Fault ? cause : unavailable(DATABASE_AWAY, cause);
  return unavailable(`${DATABASE_AWAY}, and ${overflow.refusal.message}`, cause);
}

const DATABASE_AWAY = "the database cannot be written now";

function openConnection(options: LogWriterOptions, applicationName: string): Database {
  const { databaseUrl: url, appendTimeoutMs: statementTimeoutMs } = options;
  return new Database({ url, connections: 1, applicationName, statementTimeoutMs });
}
