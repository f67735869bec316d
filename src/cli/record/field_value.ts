import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { payloadFromText } from "../../audit/payload.ts";
import type { Violation } from "../../fault.ts";
import type { Json } from "../../integrity/canonical.ts";
import { parseTime } from "../values.ts";

/** What a field of the message gets, or the rules that the text breaks. */
export type FieldValue =
  /** `as`: the member of the payload that holds the value, where it is not the field's own. */
  { readonly value: unknown; readonly as?: "eventDataJson" } | { readonly violations: readonly Violation[] };

/** Names of outcomes as they are stored, and as ProtoJSON writes them. */
const OUTCOMES: Readonly<Record<string, EventOutcome>> = {
  success: EventOutcome.SUCCESS,
  failure: EventOutcome.FAILURE,
  pending: EventOutcome.PENDING,
  EVENT_OUTCOME_SUCCESS: EventOutcome.SUCCESS,
  EVENT_OUTCOME_FAILURE: EventOutcome.FAILURE,
  EVENT_OUTCOME_PENDING: EventOutcome.PENDING,
};

/** The outcome of a name such as `success` or `EVENT_OUTCOME_SUCCESS`; undefined for any other text. */
export function outcomeOf(name: string): EventOutcome | undefined {
  return Object.hasOwn(OUTCOMES, name) ? OUTCOMES[name] : undefined;
}

/** Reads the value of an event's field. `text` is its source, `value` what JSON.parse makes of it. */
export function convert(field: DescField, value: Json, text: string): FieldValue {
  const refuse = (description: string): FieldValue => ({ violations: [{ field: field.name, description }] });
  if (field.oneof?.name === "payload") return convertPayload(field, value, text);
  if (field.fieldKind === "enum") return convertOutcome(value, refuse);
  if (field.fieldKind === "message") {
    const time = typeof value === "string" ? parseTime(value) : undefined;
    return time === undefined
      ? refuse("must be a time with its offset, such as 2026-05-13T21:24:03.123456Z")
      : { value: time };
  }
  if (field.scalar === ScalarType.BOOL) return typeof value === "boolean" ? { value } : refuse("must be true or false");
  if (field.scalar === ScalarType.STRING) return typeof value === "string" ? { value } : refuse("must be a string");
  return convertInteger(field, value, text, refuse);
}

type Refuse = (description: string) => FieldValue;

function convertOutcome(value: Json, refuse: Refuse): FieldValue {
  if (value === "") return { value: undefined };
  const outcome = typeof value === "string" ? outcomeOf(value) : undefined;
  return outcome === undefined ? refuse("must be success, failure or pending") : { value: outcome };
}

/** ProtoJSON allows integers as strings; their source is looked at because a double may already have changed them. */
function convertInteger(field: DescField, value: Json, text: string, refuse: Refuse): FieldValue {
  const digits = typeof value === "string" ? value : text;
  if (!/^-?\d{1,19}$/.test(digits)) return refuse("must be a whole number");
  const integer = BigInt(digits);
  if (field.scalar === ScalarType.INT64) {
    return BigInt.asIntN(64, integer) === integer ? { value: integer } : refuse("must fit into 64 bits");
  }
  return BigInt.asIntN(32, integer) === integer ? { value: Number(integer) } : refuse("must fit into 32 bits");
}

function convertPayload(field: DescField, value: Json, text: string): FieldValue {
  const { name } = field;
  if (name === "event_data_json") return convertJsonBytes(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { violations: [{ field: name, description: "must be a JSON object" }] };
  }
  if (name === "event_data") return { value: Buffer.from(text), as: "eventDataJson" };
  // Through a typed message numbers become doubles, so what a double cannot hold is named here.
  const checked = payloadFromText(text, name);
  if ("violations" in checked) return checked;
  try {
    return { value: fromJson(field.message as DescMessage, value as JsonValue) };
  } catch (error) {
    return { violations: [{ field: name, description: (error as Error).message }] };
  }
}

/** `event_data_json` in ProtoJSON is base64; its text as a string is taken as well, since no base64 begins with a brace. */
function convertJsonBytes(value: Json): FieldValue {
  if (typeof value === "string" && value.trimStart().startsWith("{")) return { value: Buffer.from(value) };
  if (typeof value === "string" && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value))
    return { value: Buffer.from(value, "base64") };
  return { violations: [{ field: "event_data_json", description: "must be JSON text, as it is or in base64" }] };
}
