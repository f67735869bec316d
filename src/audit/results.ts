import { create } from "@bufbuild/protobuf";
import { BadRequest_FieldViolationSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  type EventResult,
  EventResultSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Violation } from "../fault.ts";
import type { Outcome } from "./append/outcome.ts";
import type { Intake } from "./intake.ts";

const OUTCOMES: Readonly<Record<Outcome["kind"], RecordOutcome>> = {
  recorded: RecordOutcome.RECORDED,
  duplicate: RecordOutcome.DUPLICATE,
  conflict: RecordOutcome.CONFLICT,
  rejected: RecordOutcome.REJECTED,
  queued: RecordOutcome.QUEUED,
};

/** An event of a batch that has its outcome. */
export interface AnsweredEvent {
  /** Place in the batch. */
  readonly index: number;
  /** Empty where the caller's is none. */
  readonly eventId: string;
  readonly outcome: Outcome;
}

/**
 * The events of a batch that have their outcome, from the door or from the writer, in order; those whose fate is unknown are
 * left out. `onAnswered` is told of those that were not recorded.
 */
export function answeredEvents(
  intake: Intake,
  ids: readonly string[],
  outcomes: readonly (Outcome | undefined)[],
  onAnswered: (outcome: "duplicate" | "conflict" | "rejected" | "queued", category: string) => void,
): AnsweredEvent[] {
  const answered: AnsweredEvent[] = [];
  let next = 0;
  for (const [index, entry] of intake.entries()) {
    if ("violations" in entry) {
      onAnswered("rejected", "other");
      const eventId = knownId(ids[index] ?? "");
      answered.push({ index, eventId, outcome: { kind: "rejected", violations: entry.violations } });
      continue;
    }
    const outcome = outcomes[next++];
    if (outcome === undefined) continue;
    if (outcome.kind !== "recorded") onAnswered(outcome.kind, entry.category);
    answered.push({ index, eventId: entry.eventId, outcome });
  }
  return answered;
}

/** What a reply tells of these events. */
export function toResults(events: readonly AnsweredEvent[]): EventResult[] {
  const room = { bytes: VIOLATION_BYTES };
  return events.map(({ index, eventId, outcome }) => {
    if (outcome.kind !== "rejected") return toResult(index, eventId, outcome);
    return toResult(index, eventId, { ...outcome, violations: withinRoom(outcome.violations, room) });
  });
}

/** Bytes of violations in one reply, which must stay under 4 MiB; beyond them each event is told its first one alone. */
const VIOLATION_BYTES = 1024 * 1024;

function withinRoom(violations: readonly Violation[], room: { bytes: number }): readonly Violation[] {
  return violations.filter(({ field, description }, index) => {
    const bytes = Buffer.byteLength(field) + Buffer.byteLength(description);
    if (index > 0 && bytes > room.bytes) return false;
    room.bytes -= bytes;
    return true;
  });
}

function toResult(index: number, eventId: string, outcome: Outcome): EventResult {
  const path = `events[${index}]`;
  const placed = outcome.kind === "recorded" || outcome.kind === "duplicate";
  return create(EventResultSchema, {
    index,
    eventId,
    outcome: OUTCOMES[outcome.kind],
    eventHash: placed ? outcome.eventHash : "",
    chainPosition: placed ? BigInt(outcome.chainPosition) : 0n,
    violations: violationsOf(outcome, path).map(({ field, description }) =>
      create(BadRequest_FieldViolationSchema, { field, description }),
    ),
  });
}

function violationsOf(outcome: Outcome, path: string): readonly Violation[] {
  if (outcome.kind === "conflict") {
    return [{ field: `${path}.event_id`, description: "was recorded before with other content" }];
  }
  if (outcome.kind !== "rejected") return [];
  return outcome.violations.map(({ field, description }) => ({ field: field === "" ? path : field, description }));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function knownId(eventId: string): string {
  return UUID.test(eventId) ? eventId.toLowerCase() : "";
}
