import { setTimeout as sleep } from "node:timers/promises";
import { failpoint } from "../../failpoint.ts";
import { Fault } from "../../fault.ts";
import { saltedDigest } from "../../integrity/event_digest.ts";
import type { Database } from "../../postgres/database.ts";
import { classifyError, sqlState } from "../../postgres/errors.ts";
import type { PreparedEvent } from "../prepare.ts";
import { linkEvents } from "./chain.ts";
import type { HeadCache } from "./head_cache.ts";
import type { Outcome } from "./outcome.ts";
import { appendEvents, readHeads, readStoredIds, type StoredId } from "./statements.ts";

/** What an append tells those who watch; nothing of it changes what it does. */
export interface AppendObserver {
  attempt(result: "ok" | "stale" | "duplicate" | "error", seconds: number, events: number): void;
  retry(reason: "stale" | "duplicate" | "race" | "split"): void;
  recorded(events: readonly PreparedEvent[]): void;
  defect(error: unknown): void;
}

/** Another drainer of the queue has taken over: nothing was written, and nothing more may be. */
export class Fenced extends Error {}

/** The database refuses one of several events, and the append was not to be split. Nothing was written. */
export class Refused extends Error {}

export interface AppenderParts {
  readonly heads: HeadCache;
  /** Makes the month's partition where it is wanted and missing. */
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  readonly observer: AppendObserver;
  /** Of an append from the queue: the number by which the database knows that no other drainer has taken over. */
  readonly fence?: bigint;
  /** Do not look for the one event that the database refuses: refuse them all. */
  readonly whole?: boolean;
}

/** How often an append that lost a race is tried before the database counts as unavailable. */
const ATTEMPTS = 20;
/** From this try on it waits before the next, a little at random, so that two processes do not keep each other from a chain. */
const PAUSE_FROM = 3;

/**
 * Appends events over one lane until each has its outcome, and calls `settle` for each as soon as it is known. The
 * event ids must differ from each other.
 *
 * @throws Fault `unavailable` when the database cannot take them now: the fate of those not settled is unknown. Those of
 * one correlation are settled in order: where one is unknown, so are all after it.
 * @throws Refused or Fenced, where the parts ask for these.
 */
export async function append(
  lane: Database,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
  parts: AppenderParts,
): Promise<void> {
  let remaining = events;
  for (let attempt = 1; remaining.length > 0; attempt++) {
    if (attempt > ATTEMPTS) throw unavailable("appends keep losing races to other writers", undefined);
    if (attempt > PAUSE_FROM) await sleep(Math.random() * 2 ** Math.min(attempt - PAUSE_FROM, 6));
    const result = await tryAppend(lane, remaining, settle, parts);
    if (result === "split") return appendHalves(lane, remaining, settle, parts);
    if (result !== "again") remaining = result;
  }
}

/** One try. Gives the events that are left, `again` when a race was lost, `split` when the database refuses one of them. */
async function tryAppend(
  lane: Database,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
  parts: AppenderParts,
): Promise<readonly PreparedEvent[] | "again" | "split"> {
  const { heads, observer } = parts;
  const started = performance.now();
  const observe = (result: "ok" | "stale" | "duplicate" | "error") =>
    observer.attempt(result, (performance.now() - started) / 1000, events.length);
  try {
    await parts.ensureMonths(events.map((event) => event.eventDate));
    failpoint("append.months");
    const linked = linkEvents(events, (correlationId) => heads.get(correlationId));
    failpoint("append.send");
    const answer = await lane.run((sql) => appendEvents(sql, linked.arguments, parts.fence));
    failpoint("append.answered");
    if (answer === "fenced") throw new Fenced("another drainer has taken over");
    if (answer === "appended") {
      observe("ok");
      heads.remember(linked.heads);
      events.forEach((event, index) => {
        const place = linked.places[index] as { hash: string; position: number };
        settle(event, { kind: "recorded", eventHash: place.hash, chainPosition: place.position });
      });
      observer.recorded(events);
      failpoint("append.settled");
      return [];
    }
    observe(answer);
    observer.retry(answer);
    if (answer === "duplicate") return await settleRepeats(lane, events, settle);
    await refreshHeads(lane, linked.heads.keys(), heads);
    failpoint("append.heads");
    return "again";
  } catch (error) {
    if (error instanceof Fenced) throw error;
    observe("error");
    failpoint("append.failed");
    return classify(error, events, settle, parts);
  }
}

async function refreshHeads(lane: Database, correlationIds: Iterable<string>, heads: HeadCache): Promise<void> {
  const wanted = [...correlationIds];
  heads.forget(wanted);
  heads.remember(await lane.run((sql) => readHeads(sql, wanted)));
}

/** Settles the events whose ids are stored already and gives the rest. */
async function settleRepeats(
  lane: Database,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
): Promise<readonly PreparedEvent[]> {
  const ids = events.map((event) => event.eventId);
  const stored = await lane.run((sql) => readStoredIds(sql, ids));
  failpoint("append.repeats");
  return events.filter((event) => {
    const first = stored.get(event.eventId);
    if (first !== undefined) settle(event, repeatOutcome(event, first));
    return first === undefined;
  });
}

/** The same content again is a duplicate; other content under the same id is a conflict. */
export function repeatOutcome(event: PreparedEvent, first: StoredId): Outcome {
  const same =
    first.salt !== undefined &&
    saltedDigest(first.salt, "submission", event.submissionDigest) === first.submissionDigest;
  if (!same) return { kind: "conflict" };
  return { kind: "duplicate", eventHash: first.eventHash, chainPosition: first.chainPosition };
}

function classify(
  error: unknown,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
  { heads, observer, whole }: AppenderParts,
): "again" | "split" | readonly PreparedEvent[] {
  if (error instanceof Fault) throw error;
  switch (classifyError(error)) {
    case "again":
      observer.retry("race");
      return "again";
    case "permanent": {
      const [event] = events;
      if (whole) throw new Refused(refusal(error), { cause: error });
      if (events.length > 1 || event === undefined) return "split";
      settle(event, refused(error));
      return [];
    }
    case "defect":
      observer.defect(error);
      heads.forget(events.map((event) => event.correlationId));
      throw unavailable("the database refuses to append; an operator must look at the log", error);
    case "transient":
      // The append may have been committed all the same: what is known of the heads is a guess that may be wrong now.
      heads.forget(events.map((event) => event.correlationId));
      throw unavailable("the database cannot be written now", error);
  }
}

function refused(error: unknown): Outcome {
  return { kind: "rejected", violations: [{ field: "", description: refusal(error) }] };
}

/** Why the database refuses, with the constraint's name where one is broken: the rest of its message may hold data. */
function refusal(error: unknown): string {
  const constraint = (error as { constraint_name?: string }).constraint_name;
  const broken = constraint ? `, constraint ${constraint}` : "";
  return `the database cannot store this event (SQLSTATE ${sqlState(error)}${broken})`;
}

/** Appends the first half, then the second, so that the order within each chain is kept. */
async function appendHalves(
  lane: Database,
  events: readonly PreparedEvent[],
  settle: (event: PreparedEvent, outcome: Outcome) => void,
  parts: AppenderParts,
): Promise<void> {
  parts.observer.retry("split");
  const middle = events.length >> 1;
  await append(lane, events.slice(0, middle), settle, parts);
  await append(lane, events.slice(middle), settle, parts);
}

/** Milliseconds after which a caller should try again. */
const RETRY_AFTER_MS = 1000;

export function unavailable(message: string, cause: unknown): Fault {
  return new Fault("unavailable", message, { reason: "DATABASE_UNAVAILABLE", retryAfterMs: RETRY_AFTER_MS, cause });
}
