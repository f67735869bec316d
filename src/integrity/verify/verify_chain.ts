import { setImmediate as turn } from "node:timers/promises";
import { Fault } from "../../fault.ts";
import { classifyError } from "../../postgres/errors.ts";
import { Snapshot } from "../../postgres/snapshot.ts";
import type { ChainReport } from "./chain_report.ts";
import { EVENTS, HEAD, IN_ORDER } from "./chain_statements.ts";
import { ChainWalk } from "./chain_walk.ts";
import { readEvents } from "./event_text.ts";
import { LogCover } from "./log_cover.ts";
import { segments } from "./log_segments.ts";

export type { ChainFault, ChainFaultKind, ChainReport } from "./chain_report.ts";

/** What a verification works on. */
export interface VerifyChainParts {
  readonly databaseUrl: string;
  /** Milliseconds that one statement may run; a verification is many. */
  readonly statementTimeoutMs: number;
}

/** Milliseconds after which everybody else has a turn. */
const WORK_MS = 10;
/** Events, of up to 256 KiB each, between two looks at the clock. */
const EVENTS_AT_ONCE = 16;
const RETRY_AFTER_MS = 1000;

/**
 * Recomputes a chain of any length from its stored rows, and holds it against its head and against the log: all of it as it
 * was at one moment. Takes a connection of its own for the while, and memory for a few pages of rows.
 *
 * @throws Fault `not_found` (CHAIN_NOT_FOUND) when neither events nor head nor log know the correlation; `unavailable` when
 *   the database cannot be read; the reason of `signal`. What is wrong in the chain is never thrown.
 */
export async function verifyChain(
  parts: VerifyChainParts,
  correlationId: string,
  signal: AbortSignal,
): Promise<ChainReport> {
  const report = await inSnapshot(parts, signal, (snapshot) => walk(snapshot, correlationId));
  if (report !== undefined) return report;
  throw new Fault("not_found", `no chain has the correlation id ${correlationId}`, {
    reason: "CHAIN_NOT_FOUND",
    resource: { type: "chain", name: correlationId },
  });
}

async function inSnapshot<T>(
  { databaseUrl: url, statementTimeoutMs }: VerifyChainParts,
  signal: AbortSignal,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  try {
    const snapshot = await Snapshot.open({ url, applicationName: "datastorage verify", statementTimeoutMs, signal });
    try {
      return await work(snapshot);
    } finally {
      await snapshot.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (classifyError(error) !== "transient" && classifyError(error) !== "again") throw error;
    const details = { reason: "DATABASE_UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS, cause: error };
    throw new Fault("unavailable", "the database cannot be read now", details);
  }
}

interface HeadRow {
  readonly chain_position: string | null;
  readonly event_hash: string | null;
  readonly log_size: string;
  readonly covered_size: string;
}

async function walk(snapshot: Snapshot, correlationId: string): Promise<ChainReport | undefined> {
  const [row] = await snapshot.all<HeadRow>(HEAD, [correlationId]);
  const position = row?.chain_position ?? null;
  const head = position === null ? undefined : { position: Number(position), hash: `${row?.event_hash}` };
  const cover = new LogCover();
  const chain = new ChainWalk(head, cover, Number(row?.covered_size));
  await snapshot.planned(IN_ORDER, async () => {
    const known = segments(snapshot, correlationId, `${row?.log_size}`);
    const next = async () => cover.add((await known.next()).value);
    const span = new WorkSpan();
    for await (const page of readEvents(snapshot, EVENTS, [correlationId])) {
      for (const one of page) {
        const event = one instanceof Promise ? await one : one;
        while (cover.lacks(Number(event.chain_position))) await next();
        chain.take(event);
        if (span.isOver()) await turn();
      }
    }
    while (cover.lacks(Number.POSITIVE_INFINITY)) await next();
  });
  return chain.report();
}

/** Tells when work has gone on for long enough. */
class WorkSpan {
  #since = performance.now();
  #events = 0;

  isOver(): boolean {
    if (++this.#events % EVENTS_AT_ONCE !== 0) return false;
    const now = performance.now();
    if (now - this.#since < WORK_MS) return false;
    this.#since = now;
    return true;
  }
}
