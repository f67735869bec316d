import { randomUUIDv7 } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AuditEventSchema, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { nowMs } from "../clock.ts";
import type { JsonObject } from "../integrity/canonical.ts";
import { prepareBatch } from "./intake.ts";
import type { PreparedEvent } from "./prepare.ts";

/** An event that this service emits itself: what it was asked to do, and by whom. */
export interface OwnEvent {
  /** Such as `datastorage.workflow.created`. */
  readonly type: string;
  /** Absent: the last segment of the type. */
  readonly action?: string;
  readonly outcome: "pending" | "success" | "failure";
  readonly correlationId: string;
  /** What it was done to. */
  readonly resource: { readonly type: string; readonly id: string };
  readonly data: JsonObject;
  readonly durationMs?: number;
}

const OUTCOMES = {
  pending: EventOutcome.PENDING,
  success: EventOutcome.SUCCESS,
  failure: EventOutcome.FAILURE,
} as const;

const ACTOR_CHARACTERS = 255;

/**
 * Prepares events of the service's own for the log, now, with the caller `by` as their actor. They take the way of every
 * other event through the rules.
 *
 * @throws Error when one breaks a rule: a defect of whoever made it.
 */
export async function prepareOwnEvents(events: readonly OwnEvent[], by: string): Promise<PreparedEvent[]> {
  const atMs = nowMs();
  const prepared = await prepareBatch(
    events.map((event) => toMessage(event, by, atMs)),
    by,
  );
  return prepared.map((event) => {
    if (!("violations" in event)) return event;
    throw new Error(`an event of the service's own breaks a rule: ${JSON.stringify(event.violations)}`);
  });
}

function toMessage(event: OwnEvent, by: string, atMs: number) {
  return create(AuditEventSchema, {
    eventId: randomUUIDv7(),
    eventTimestamp: timestampFromMs(atMs),
    eventType: event.type,
    eventAction: event.action ?? "",
    eventOutcome: OUTCOMES[event.outcome],
    actorType: "user",
    actorId: [...by].slice(0, ACTOR_CHARACTERS).join(""),
    resourceType: event.resource.type,
    resourceId: event.resource.id,
    correlationId: event.correlationId,
    ...(event.durationMs !== undefined && { durationMs: BigInt(Math.round(event.durationMs)) }),
    payload: { case: "eventDataJson", value: Buffer.from(JSON.stringify(event.data)) },
  });
}
