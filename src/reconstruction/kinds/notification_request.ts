import type { JsonObject } from "../../integrity/canonical.ts";
import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, asTexts, happened, instead, member, told } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { NOTIFICATION } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import schema from "../schemas/notificationrequest.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import { asNumber, EXPECTED_OF_ALL, expected, inPhase, lastNamed, mapWhere, putRequestRef, textOf } from "./shared.ts";

const SENT = "notification.message.sent";
const FAILED = "notification.message.failed";
const CANCELLED = "webhook.notification.cancelled";
const ANY = [SENT, FAILED, "notification.message.acknowledged"];

/** The NotificationRequest; of several the last. */
export const NOTIFICATION_REQUEST: Kind = {
  apiVersion: NOTIFICATION,
  kind: "NotificationRequest",
  schema,
  labels: { "app.kubernetes.io/component": "notification" },
  expectations: [
    ...EXPECTED_OF_ALL,
    expected("spec.type", [SENT, FAILED]),
    expected("spec.priority", ANY),
    expected("spec.subject", ANY),
    expected("spec.body", [SENT]),
    expected("spec.metadata", ANY),
    expected("status.phase", [SENT, FAILED, CANCELLED]),
    expected("status.deliveryAttempts", [SENT, FAILED]),
    expected("status.completionTime", [SENT], inPhase("Sent")),
  ],
  map: mapNotificationRequest,
};

function mapNotificationRequest(request: RequestEvents): MappedObject {
  const told = request.events.filter(({ type }) => Object.hasOwn(PHASES, type));
  const name = lastNamed(told, (event) => textOf(event, "notification_id"));
  const seen = name === "" ? [] : told.filter((event) => textOf(event, "notification_id") === name);
  return mapWhere(request, { name, seen }, (fields) => {
    putRequestRef(request, seen, fields);
    for (const event of seen) {
      mapSpec(event, fields);
      mapStatus(event, fields);
    }
  });
}

/** What an event says of a notification's end; only what was sent can be acknowledged or escalated. */
const PHASES: Readonly<Record<string, readonly [phase: string, rank: number]>> = {
  [SENT]: ["Sent", 1],
  [FAILED]: ["Failed", 1],
  [CANCELLED]: ["Cancelled", 1],
  "notification.message.acknowledged": ["Sent", 0],
  "notification.message.escalated": ["Sent", 0],
  "webhook.notification.acknowledged": ["Sent", 0],
};

function mapSpec(event: ParsedEvent, fields: FieldMap): void {
  const rank = event.type === SENT ? 1 : 0;
  const put = (name: string, from: Told | undefined) => fields.put(`spec.${name}`, from, rank);
  put("type", asText(member(event, "type")));
  put("priority", asText(member(event, "priority")));
  put("subject", asText(member(event, "subject")));
  put("body", asText(member(event, "body")));
  fields.putMembers("spec.metadata", asTexts(member(event, "metadata")), rank);
}

function mapStatus(event: ParsedEvent, fields: FieldMap): void {
  const [phase, rank] = PHASES[event.type] as readonly [string, number];
  fields.put("status.phase", told(event, phase, "event_type"), rank);
  if (event.type === SENT) fields.put("status.completionTime", happened(event));
  if (event.type !== SENT && event.type !== FAILED) return;
  fields.putItem("status.deliveryAttempts", event.eventId, attempt(event, phase));
}

/** One attempt to deliver: each event of a channel is one. */
function attempt(event: ParsedEvent, phase: string): Told {
  const number = asNumber(member(event, "attempt"))?.value;
  const error = asText(member(event, "error_details", "message"))?.value;
  const channel = asText(member(event, "channel"))?.value;
  const delivery: JsonObject = {
    ...(Number.isInteger(number) ? { attempt: number as number } : {}),
    ...(channel === undefined ? {} : { channel }),
    ...(error === undefined ? {} : { error }),
    status: phase === "Sent" ? "success" : "failed",
    timestamp: happened(event).value,
  };
  return instead(told(event, phase, "event_type"), delivery) as Told;
}
