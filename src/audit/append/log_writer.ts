import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "@opentelemetry/api";
import { Fault } from "../../fault.ts";
import { Availability } from "../../postgres/availability.ts";
import { Database } from "../../postgres/database.ts";
import { classifyError } from "../../postgres/errors.ts";
import { type AppendObserver, append, unavailable } from "./appender.ts";
import { HeadCache } from "./head_cache.ts";
import { Writer, type WriterOptions } from "./writer.ts";

export interface LogWriterOptions extends WriterOptions {
  readonly databaseUrl: string;
  readonly statementTimeoutMs: number;
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  readonly observer: AppendObserver;
  /** Runs an append in a span, given the traces of the calls whose events it holds. */
  readonly traceAppend: (calls: readonly Context[], events: number, run: () => Promise<void>) => Promise<void>;
  readonly onAvailability: (available: boolean, cause: unknown) => void;
}

/** Chains whose heads are kept in memory: some 20 MB at most. */
const CACHED_HEADS = 50_000;

/** The writer over PostgreSQL: a connection for each lane, and one that looks whether the database is back. */
export interface LogWriter {
  readonly writer: Writer;
  readonly availability: Availability;
  /** Waits for what is pending, for so many milliseconds at most, and closes the connections. */
  close(timeoutMs: number): Promise<void>;
}

export function openLogWriter(options: LogWriterOptions): LogWriter {
  const lanes = Array.from({ length: options.lanes }, (_, lane) => {
    return openConnection(options, `datastorage append ${lane + 1}`);
  });
  const probe = openConnection(options, "datastorage probe");
  const heads = new HeadCache(CACHED_HEADS);
  const availability = new Availability(probe, (available, cause) => {
    if (available) writer.recover();
    else writer.suspend(cause instanceof Fault ? cause : unavailable("the database cannot be written now", cause));
    options.onAvailability(available, cause);
  });
  const writer: Writer = new Writer(options, async (lane, events, settle, callers) => {
    const calls = callers.map((caller) => caller.trace);
    const run = () => append(lanes[lane] as Database, events, settle, { ...options, heads });
    try {
      await options.traceAppend(calls, events.length, run);
    } catch (error) {
      if (error instanceof Fault && isAway(error)) availability.lost(error);
      throw error;
    }
  });
  return {
    writer,
    availability,
    async close(timeoutMs) {
      const bound = new AbortController();
      await Promise.race([writer.drained(), delay(timeoutMs, undefined, { signal: bound.signal }).catch(() => {})]);
      bound.abort();
      availability.close();
      await Promise.all([...lanes.map((lane) => lane.end()), probe.end()]);
    },
  };
}

/** Whether an append failed because the database is away, and not because it lost races or met a defect. */
function isAway(fault: Fault): boolean {
  return fault.cause !== undefined && classifyError(fault.cause) === "transient";
}

function openConnection(options: LogWriterOptions, applicationName: string): Database {
  const { databaseUrl: url, statementTimeoutMs } = options;
  return new Database({ url, connections: 1, applicationName, statementTimeoutMs });
}
