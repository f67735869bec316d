import { randomUUIDv7 } from "node:crypto";
import { LIMITS } from "../audit/event.ts";
import type { OwnEvent } from "../audit/own_event.ts";

/** An act of a person on dead letters: what an auditor asks about. */
export interface Act {
  readonly kind: "replayed" | "discarded";
  /** Who asked for it. */
  readonly by: string;
  /** Why; a replay needs no reason. */
  readonly reason?: string;
  /** Links the events of this act. No remediation's: an act makes no remediation's chain longer. */
  readonly correlationId: string;
}

/** What an act's event says of one letter. */
export interface LetterInAct {
  readonly letter: string;
  /** Absent where the letter cannot be decoded. */
  readonly event_id?: string;
  readonly correlation_id?: string;
  /** What became of it, once it is known. */
  readonly outcome?: string;
}

/** A correlation id for one act. */
export function newActId(): string {
  return `deadletter-${randomUUIDv7()}`;
}

/**
 * The events that say that an act begins (`pending`) or how it ended: `success` when it reached all of its letters. As many as
 * the limit of a payload asks for; each says which part it is.
 */
export function actEvents(
  act: Act,
  outcome: "pending" | "success" | "failure",
  letters: readonly LetterInAct[],
): OwnEvent[] {
  const parts = partsOf(letters);
  const id = letters.length === 1 ? (letters[0] as LetterInAct).letter : act.correlationId;
  return parts.map((part, index) => ({
    type: `datastorage.deadletter.${act.kind}`,
    outcome,
    correlationId: act.correlationId,
    resource: { type: "DeadLetter", id },
    data: {
      ...(act.reason !== undefined && { reason: act.reason }),
      part: index + 1,
      parts: parts.length,
      letter_count: letters.length,
      letters: part.map((letter) => ({ ...letter })),
    },
  }));
}

/** Bytes of letters in one event: its limit, less the longest reason in JSON and what stands around it. */
const PART_BYTES = LIMITS.eventDataBytes - 16 * 1024;

function partsOf(letters: readonly LetterInAct[]): LetterInAct[][] {
  const parts: LetterInAct[][] = [];
  let room = 0;
  for (const letter of letters) {
    const bytes = Buffer.byteLength(JSON.stringify(letter)) + 1;
    if (bytes > room) {
      parts.push([]);
      room = PART_BYTES;
    }
    parts.at(-1)?.push(letter);
    room -= bytes;
  }
  return parts;
}
