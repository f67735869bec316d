import type { Outcome } from "../audit/append/outcome.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { type LetterFacts, type LetterReason, toLetter, undecodableLetter } from "./letter.ts";
import type { Letter } from "./queue_store.ts";
import type { QueuedEntry } from "./queued_entry.ts";

/** What becomes dead letters of one entry: none when all its events are stored. */
export interface Verdict {
  readonly letters: readonly Letter[];
  /** The reason of each. */
  readonly reasons: readonly LetterReason[];
}

const CONFLICT = "an event with this id and other content is recorded";

/** Judges an entry by what the append made of its events. `now` is RFC 3339. */
export function judge(entry: QueuedEntry, outcomes: ReadonlyMap<PreparedEvent, Outcome>, now: string): Verdict {
  const letters: Letter[] = [];
  const reasons: LetterReason[] = [];
  for (const event of entry.events ?? []) {
    const failure = failureOf(outcomes.get(event));
    if (failure === undefined) continue;
    reasons.push(failure.reason);
    letters.push(toLetter(event, { ...facts(entry, failure.lastError, now), ...failure }));
  }
  return { letters, reasons };
}

/** An entry that cannot be read goes whole. */
export function judgeUnreadable(entry: QueuedEntry, now: string): Verdict {
  return { letters: [undecodableLetter(facts(entry, entry.unreadable ?? "", now))], reasons: ["undecodable"] };
}

function failureOf(outcome: Outcome | undefined): Pick<LetterFacts, "reason" | "lastError"> | undefined {
  if (outcome?.kind === "conflict") return { reason: "conflict", lastError: CONFLICT };
  if (outcome?.kind !== "rejected") return undefined;
  return { reason: "refused", lastError: outcome.violations.map(({ description }) => description).join("; ") };
}

function facts(entry: QueuedEntry, lastError: string, now: string): Omit<LetterFacts, "reason"> {
  const { stream, sequence, bytes, timestamp, tries } = entry;
  const fields: Record<string, string> = timestamp === undefined ? {} : { timestamp };
  return {
    tries: tries?.tries ?? 1,
    firstFailed: tries?.firstFailed ?? now,
    lastError,
    deadLettered: now,
    entry: { stream, sequence, bytes, tries, fields },
  };
}
