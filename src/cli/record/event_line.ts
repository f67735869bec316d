import { isUtf8 } from "node:buffer";
import { create, type DescField, toBinary } from "@bufbuild/protobuf";
import {
  type AuditEvent,
  AuditEventSchema,
  type EventOutcome,
} from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { Violation } from "../../fault.ts";
import type { Json, JsonObject } from "../../integrity/canonical.ts";
import { derivedEventId } from "./event_id.ts";
import { convert, type FieldValue } from "./field_value.ts";
import { type Member, membersOf } from "./members.ts";

export interface ReadOptions {
  /** Outcome of events that do not say theirs. */
  readonly defaultOutcome?: EventOutcome | undefined;
  /** Whether members that are no field of an event are left out instead of refused. */
  readonly ignoreUnknown?: boolean;
}

/** What a line holds: an event, nothing (a blank line), or faults. */
export type LineContent =
  | { readonly kind: "event"; readonly event: AuditEvent; readonly bytes: number }
  | { readonly kind: "blank" }
  /** The line is no JSON object. */
  | { readonly kind: "unreadable"; readonly reason: string }
  /** It is one, but no event. */
  | { readonly kind: "refused"; readonly eventId: string; readonly violations: readonly Violation[] };

/** Fields by their names in the contract and in ProtoJSON: `event_type` and `eventType`. */
const FIELDS = new Map<string, DescField>(
  AuditEventSchema.fields.flatMap((field) => [
    [field.name, field],
    [field.jsonName, field],
  ]),
);
/** From this number on, fields are set by the server and ignored when recording. */
const FIRST_OUTPUT_ONLY = 40;
/** What a derived id, a default outcome and the frame of a message add to an event. */
const ADDED_BYTES = 64;

/**
 * Reads one line as an event: a JSON object with the names of the envelope, in snake_case or as ProtoJSON writes them.
 * The payload `event_data` is taken as it stands in the text, so that no number changes on the way. Members that are null
 * count as absent. Nothing is dropped without a word.
 */
export function readEventLine(bytes: Uint8Array, options: ReadOptions): LineContent {
  if (!isUtf8(bytes)) return { kind: "unreadable", reason: "is not UTF-8" };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (text.trim() === "") return { kind: "blank" };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { kind: "unreadable", reason: `is not JSON: ${(error as Error).message}` };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "unreadable", reason: "is not a JSON object; one event a line is expected" };
  }
  return readMembers(text, value as JsonObject, options);
}

function readMembers(text: string, value: JsonObject, options: ReadOptions): LineContent {
  const violations: Violation[] = [];
  const init: Record<string, unknown> = {};
  const seen = new Set<DescField>();
  for (const member of membersOf(text)) {
    const field = FIELDS.get(member.name);
    if (field === undefined) {
      if (options.ignoreUnknown !== true)
        violations.push({ field: member.name, description: "is no field of an event" });
      continue;
    }
    if (seen.has(field)) violations.push({ field: field.name, description: "stands twice" });
    seen.add(field);
    if (field.number < FIRST_OUTPUT_ONLY && member.text !== "null") setField(init, field, member, value, violations);
  }
  init["eventOutcome"] ??= options.defaultOutcome;
  if (init["eventOutcome"] === undefined && !seen.has(OUTCOME)) {
    violations.push({ field: "event_outcome", description: "is missing; --default-outcome gives one to such events" });
  }
  init["eventId"] ||= derivedEventId(value, text);
  if (violations.length > 0) return { kind: "refused", eventId: String(init["eventId"]), violations };
  const event = create(AuditEventSchema, init);
  return { kind: "event", event, bytes: sizeOf(event, text) };
}

const OUTCOME = AuditEventSchema.field["eventOutcome"];

function setField(
  init: Record<string, unknown>,
  field: DescField,
  { name, text }: Member,
  whole: JsonObject,
  violations: Violation[],
): void {
  const converted: FieldValue = convert(field, whole[name] as Json, text);
  if ("violations" in converted) violations.push(...converted.violations);
  else if (field.oneof?.name !== "payload") init[field.localName] = converted.value;
  else if (init["payload"] === undefined)
    init["payload"] = { case: converted.as ?? field.localName, value: converted.value };
  else violations.push({ field: name, description: "is a second payload; an event has one" });
}

/** Bytes of the event on the wire, or a little more. What JSON writes takes less in protobuf, save numbers in structures. */
function sizeOf(event: AuditEvent, text: string): number {
  const { case: form } = event.payload;
  const bytes =
    form === undefined || form === "eventDataJson" ? Buffer.byteLength(text) : toBinary(AuditEventSchema, event).length;
  return bytes + ADDED_BYTES;
}
