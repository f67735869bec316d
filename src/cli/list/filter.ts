import { create, type JsonObject } from "@bufbuild/protobuf";
import type { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { type EventFilter, EventFilterSchema } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { payloadFromText } from "../../audit/payload.ts";
import type { Flags, Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { outcomeOf } from "../record/field_value.ts";
import { timeOf } from "../values.ts";

/** The flags of EventFilter: the names of its fields, with `-` for `_`. */
export const filterFlags = {
  "correlation-id": { value: "ID", help: "events of this remediation" },
  "event-types": {
    value: "TYPES",
    repeated: true,
    help: "events of these types, with commas between; gateway.* means all that begin with gateway.",
  },
  "event-categories": { value: "NAMES", repeated: true, help: "events of these categories, with commas between" },
  "event-outcomes": { value: "NAMES", repeated: true, help: "success, failure or pending, with commas between" },
  severities: { value: "NAMES", repeated: true, help: "events of these severities, with commas between" },
  "actor-type": { value: "TYPE", help: "events by actors of this type, such as user" },
  "actor-id": { value: "ID", help: "events by this actor" },
  "resource-type": { value: "TYPE", help: "events on objects of this type" },
  "resource-id": { value: "ID", help: "events on this object" },
  namespace: { value: "NAME", help: "events of this namespace" },
  "cluster-name": { value: "NAME", help: "events of this cluster" },
  "start-time": {
    value: "TIME",
    help: "events at or after this time: 2026-05-13T21:24:03Z, 2026-05-13, or an age such as 2h",
  },
  "end-time": { value: "TIME", help: "events before this time" },
  "event-data": { value: "JSON", help: 'events whose payload contains this object: {"tool_name":"kubectl_describe"}' },
} as const satisfies Flags;

/** The filter that the flags amount to. @throws UsageError for values that cannot be. */
export function readFilter(given: Given, now: Date): EventFilter {
  const names = (flag: string) =>
    given
      .texts(flag)
      .flatMap((text) => text.split(","))
      .map((name) => name.trim())
      .filter((name) => name !== "");
  const startTime = timeOf(given, "start-time", now);
  const endTime = timeOf(given, "end-time", now);
  const eventData = readObject(given.text("event-data"));
  return create(EventFilterSchema, {
    correlationId: given.text("correlation-id") ?? "",
    eventTypes: names("event-types"),
    eventCategories: names("event-categories"),
    eventOutcomes: names("event-outcomes").map(readOutcome),
    severities: names("severities"),
    actorType: given.text("actor-type") ?? "",
    actorId: given.text("actor-id") ?? "",
    resourceType: given.text("resource-type") ?? "",
    resourceId: given.text("resource-id") ?? "",
    namespace: given.text("namespace") ?? "",
    clusterName: given.text("cluster-name") ?? "",
    ...(startTime && { startTime }),
    ...(endTime && { endTime }),
    ...(eventData && { eventData }),
  });
}

function readOutcome(name: string): EventOutcome {
  const outcome = outcomeOf(name);
  if (outcome === undefined)
    throw new UsageError(`--event-outcomes takes success, failure and pending, and not ${JSON.stringify(name)}`);
  return outcome;
}

function readObject(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  const checked = payloadFromText(text, "--event-data");
  if ("text" in checked) return JSON.parse(checked.text) as JsonObject;
  throw new UsageError(checked.violations.map(({ field, description }) => `${field} ${description}`).join("; "));
}
