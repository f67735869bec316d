import type { PreparedEvent } from "../audit/prepare.ts";
import { decodeEntry, EntryUnreadable, encodeEntry } from "./entry.ts";
import type { Letter, StoredEntry } from "./queue_store.ts";

/**
 * Why an event is a dead letter: the database refuses it, its id is recorded with other content, or nothing can be read.
 */
export const LETTER_REASONS = ["refused", "conflict", "undecodable"] as const;

export type LetterReason = (typeof LETTER_REASONS)[number];

/** What befell an event on its way; times are RFC 3339. */
export interface LetterFacts {
  readonly reason: LetterReason;
  /** How often it was tried. */
  readonly tries: number;
  readonly firstFailed: string;
  /** No host names, no SQL: a SQLSTATE where the database said one. */
  readonly lastError: string;
  readonly deadLettered: string;
  /** The entry of the queue that held it. */
  readonly entry: StoredEntry;
}

/** A dead letter for one event, in a form that decodeEntry reads again. */
export function toLetter(event: PreparedEvent, facts: LetterFacts): Letter {
  const { timestamp = facts.firstFailed } = facts.entry.fields;
  return {
    fields: {
      ...encodeEntry([event], timestamp, facts.lastError),
      ...factFields(facts),
      event_id: event.eventId,
      correlation_id: event.correlationId,
    },
  };
}

/** A dead letter for an entry that cannot be read: what it holds is kept byte for byte. */
export function undecodableLetter(facts: Omit<LetterFacts, "reason">): Letter {
  return { fields: factFields({ ...facts, reason: "undecodable" }), whole: true };
}

function factFields({
  reason,
  tries,
  firstFailed,
  lastError,
  deadLettered,
  entry,
}: LetterFacts): Record<string, string> {
  return {
    reason,
    retry_count: String(tries),
    last_error: lastError,
    first_failed: firstFailed,
    dead_lettered: deadLettered,
    entry: `${entry.sequence}-0`,
  };
}

/** A dead letter as it is read again; empty text and zero stand where nothing is known. */
export interface ReadLetter {
  readonly reason: LetterReason;
  readonly tries: number;
  readonly lastError: string;
  /** When its event was queued first. */
  readonly queued: string;
  readonly firstFailed: string;
  readonly deadLettered: string;
  readonly eventId: string;
  readonly correlationId: string;
  /** Id of the queue's entry that it comes from. */
  readonly entry: string;
  /** Undefined: it cannot be read. */
  readonly event: PreparedEvent | undefined;
}

export function readLetter(fields: Readonly<Record<string, string>>): ReadLetter {
  const event = eventOf(fields);
  const reason = LETTER_REASONS.find((one) => one === fields["reason"]) ?? "undecodable";
  return {
    reason: event === undefined ? "undecodable" : reason,
    tries: Number(fields["retry_count"]) || 0,
    lastError: fields["last_error"] ?? "",
    queued: fields["timestamp"] ?? "",
    firstFailed: fields["first_failed"] ?? "",
    deadLettered: fields["dead_lettered"] ?? "",
    eventId: event?.eventId ?? "",
    correlationId: event?.correlationId ?? "",
    entry: fields["entry"] ?? "",
    event,
  };
}

function eventOf(fields: Readonly<Record<string, string>>): PreparedEvent | undefined {
  if (fields["reason"] === "undecodable") return undefined;
  try {
    return decodeEntry(fields)[0];
  } catch (error) {
    if (error instanceof EntryUnreadable) return undefined;
    throw error;
  }
}
