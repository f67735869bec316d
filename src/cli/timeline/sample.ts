import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { readEventLine } from "../record/event_line.ts";
import { type Step, toStep } from "./step.ts";

/** The events of a file of lines as the service would list them, for tests. */
export function stepsOf(file: URL): Step[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line, index) => {
    const content = readEventLine(Buffer.from(line), { defaultOutcome: EventOutcome.SUCCESS });
    if (content.kind !== "event") throw new Error(`line ${index + 1}: ${JSON.stringify(content)}`);
    return stepOf({ ...content.event, chainPosition: BigInt(index + 1) });
  });
}

/** The sample of the repository: a remediation with an approval, a failed workflow and two people. */
export const SAMPLE = new URL("../../../examples/remediation.jsonl", import.meta.url);

/** A step of an event with the actor that the service derives where none is given. */
export function stepOf(event: AuditEvent): Step {
  const actorId = event.actorId || (event.eventType.split(".")[0] as string);
  return toStep(create(AuditEventSchema, { ...event, actorType: event.actorType || "service", actorId }));
}

type Envelope = "eventOutcome" | "actorType" | "actorId" | "clusterName" | "errorCode" | "errorMessage";
type MadeOf = { readonly data?: object; readonly position?: number } & Partial<Pick<AuditEvent, Envelope>>;

/** An event made up by a test. `seconds`: its time. */
export function madeStep(eventType: string, seconds: number, made: MadeOf = {}): Step {
  const { data = {}, position = 0, ...envelope } = made;
  return stepOf(
    create(AuditEventSchema, {
      eventId: `${eventType}@${seconds}#${position}`,
      eventType,
      eventTimestamp: create(TimestampSchema, { seconds: BigInt(seconds) }),
      eventOutcome: EventOutcome.SUCCESS,
      chainPosition: BigInt(position),
      correlationId: "rr-1",
      ...envelope,
      payload: { case: "eventDataJson", value: Buffer.from(JSON.stringify(data)) },
    }),
  );
}
