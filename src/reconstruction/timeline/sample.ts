import { readFileSync } from "node:fs";
import { type AuditEvent, EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { timestampText } from "../../audit/timestamp.ts";
import { OUTCOME_NAMES, payloadOf } from "../../cli/events.ts";
import { readEventLine } from "../../cli/record/event_line.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { TimelineEvent } from "./event.ts";
import { type Step, toStep } from "./step.ts";

/** The events of a file of lines as they would be stored, for tests. */
export function eventsOf(file: URL): TimelineEvent[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line, index) => {
    const content = readEventLine(Buffer.from(line), { defaultOutcome: EventOutcome.SUCCESS });
    if (content.kind !== "event") throw new Error(`line ${index + 1}: ${JSON.stringify(content)}`);
    return eventOf(content.event, index + 1);
  });
}

export function stepsOf(file: URL): Step[] {
  return eventsOf(file).map(toStep);
}

/** The sample of the repository: a remediation with an approval, a failed workflow and two people. */
export const SAMPLE = new URL("../../../examples/remediation.jsonl", import.meta.url);

function eventOf(event: AuditEvent, position: number): TimelineEvent {
  const { eventId, eventType: type, clusterName, errorCode, errorMessage } = event;
  return {
    eventId,
    type,
    timestamp: timestampText(event.eventTimestamp ?? { seconds: 0n, nanos: 0 }),
    position,
    outcome: OUTCOME_NAMES[event.eventOutcome] ?? "",
    // What the service derives where none is given.
    actorType: event.actorType || "service",
    actorId: event.actorId || (type.split(".")[0] as string),
    clusterName,
    ...(event.durationMs !== undefined && { durationMs: Number(event.durationMs) }),
    errorCode,
    errorMessage,
    data: payloadOf(event),
  };
}

type MadeOf = { readonly data?: JsonObject | object } & Partial<Omit<TimelineEvent, "data">>;

/** An event made up by a test. `seconds`: its time. */
export function madeEvent(
  type: string,
  seconds: number,
  { data = {}, position = 0, ...made }: MadeOf = {},
): TimelineEvent {
  return {
    eventId: `${type}@${seconds}#${position}`,
    type,
    timestamp: timestampText({ seconds: BigInt(seconds), nanos: 0 }),
    position,
    outcome: "success",
    actorType: "service",
    actorId: type.split(".")[0] as string,
    ...made,
    data: JSON.parse(JSON.stringify(data)),
  };
}

export function madeStep(type: string, seconds: number, made: MadeOf = {}): Step {
  return toStep(madeEvent(type, seconds, made));
}
