import { isUtf8 } from "node:buffer";
import { type DescMessage, isFieldSet, type MessageShape, ScalarType, toJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  AIAnalysisAuditPayloadSchema,
  GatewayAuditPayloadSchema,
  RemediationOrchestratorAuditPayloadSchema,
  WorkflowExecutionAuditPayloadSchema,
} from "../../gen/ts/kubernaut/audit/v1/payloads_pb.ts";
import type { Violation } from "../fault.ts";
import type { JsonObject } from "../integrity/canonical.ts";
import { validateRequest } from "../rpc/validation.ts";
import { deriveFields, type Submission } from "./event.ts";
import { EMPTY_PAYLOAD, type PayloadResult, payloadFromText, payloadFromValue } from "./payload.ts";
import { isInRange, timestampText } from "./timestamp.ts";

/** An event as an emitter sent it, or the rules it breaks. */
export type SubmissionResult = { readonly submission: Submission } | { readonly violations: readonly Violation[] };

/** Violations that one event is told at most: a payload can break thousands of rules at once. */
const VIOLATIONS_TOLD = 20;

const OUTCOME_NAMES: Readonly<Record<EventOutcome, string>> = {
  [EventOutcome.UNSPECIFIED]: "",
  [EventOutcome.SUCCESS]: "success",
  [EventOutcome.FAILURE]: "failure",
  [EventOutcome.PENDING]: "pending",
};

/** Reads one event of a request by the rules of its proto and of docs/events.md. `path` is its place, such as `events[3]`. */
export function readSubmission(event: AuditEvent, path: string): SubmissionResult {
  const violations = [...validateRequest(AuditEventSchema, event, path), ...stringFaults(event, path)];
  if (violations.length > 0) return { violations: violations.slice(0, VIOLATIONS_TOLD) };
  violations.push(...relationFaults(event, path));
  const payload = readPayload(event, path);
  if ("violations" in payload) violations.push(...payload.violations);
  if (violations.length > 0 || !("text" in payload)) return { violations: violations.slice(0, VIOLATIONS_TOLD) };
  return { submission: toSubmission(event, payload.text) };
}

const STRING_FIELDS = AuditEventSchema.fields.filter(
  (field) => field.scalar === ScalarType.STRING && field.number < 40,
);
const BAD_CHARACTER = /[\0\ud800-\udfff]/;

/** What the wire allows in a string and PostgreSQL does not. */
function stringFaults(event: AuditEvent, path: string): Violation[] {
  const violations: Violation[] = [];
  for (const field of STRING_FIELDS) {
    const text = (event as unknown as Record<string, string>)[field.localName] as string;
    if (text === "" || !BAD_CHARACTER.test(text)) continue;
    if (text.includes("\0")) violations.push({ field: `${path}.${field.name}`, description: "must not hold U+0000" });
    else if (!text.isWellFormed()) {
      violations.push({ field: `${path}.${field.name}`, description: "must not hold a lone surrogate" });
    }
  }
  return violations;
}

/** Rules that tie fields to each other, or to the calendar. */
function relationFaults(event: AuditEvent, path: string): Violation[] {
  const violations: Violation[] = [];
  const fault = (field: string, description: string) => violations.push({ field: `${path}.${field}`, description });
  if (event.eventTimestamp && !isInRange(event.eventTimestamp)) {
    fault("event_timestamp", "must lie between 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z");
  }
  if ((event.parentEventId === "") !== (event.parentEventDate === "")) {
    const absent = event.parentEventId === "" ? "parent_event_id" : "parent_event_date";
    fault(absent, "parent_event_id and parent_event_date go together: both or neither");
  }
  if (event.parentEventDate !== "" && !isCalendarDate(event.parentEventDate)) {
    fault("parent_event_date", "must be a day of the calendar, YYYY-MM-DD");
  }
  const derived = deriveFields(event.eventType, event.correlationId);
  if (event.eventCategory === "" && derived.event_category.length > 50) {
    fault("event_category", "must be given: the first segment of event_type is longer than 50 characters");
  }
  if (event.eventAction === "" && derived.event_action.length > 50) {
    fault("event_action", "must be given: the last segment of event_type is longer than 50 characters");
  }
  return violations;
}

function isCalendarDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && !text.startsWith("0000") && new Date(time).toISOString().startsWith(text);
}

function readPayload(event: AuditEvent, path: string): PayloadResult {
  const { payload } = event;
  switch (payload.case) {
    case undefined:
      return EMPTY_PAYLOAD;
    case "eventDataJson":
      return readPayloadBytes(payload.value, `${path}.event_data_json`);
    case "eventData":
      return payloadFromValue(payload.value as JsonObject, `${path}.event_data`);
    case "gateway":
      return readTypedPayload(GatewayAuditPayloadSchema, payload.value, `${path}.gateway`);
    case "orchestrator":
      return readTypedPayload(RemediationOrchestratorAuditPayloadSchema, payload.value, `${path}.orchestrator`);
    case "aiAnalysis":
      return readTypedPayload(AIAnalysisAuditPayloadSchema, payload.value, `${path}.ai_analysis`);
    case "workflowExecution":
      return readTypedPayload(WorkflowExecutionAuditPayloadSchema, payload.value, `${path}.workflow_execution`);
  }
}

function readPayloadBytes(bytes: Uint8Array, field: string): PayloadResult {
  if (!isUtf8(bytes)) return { violations: [{ field, description: "must be UTF-8" }] };
  return payloadFromText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"), field);
}

type TypedPayload =
  | typeof GatewayAuditPayloadSchema
  | typeof RemediationOrchestratorAuditPayloadSchema
  | typeof AIAnalysisAuditPayloadSchema
  | typeof WorkflowExecutionAuditPayloadSchema;

/** A typed payload as the object of its set fields, joined with the members that it does not name. */
function readTypedPayload<T extends TypedPayload>(schema: T, message: MessageShape<T>, field: string): PayloadResult {
  const violations = infiniteNumbers(schema, message, field);
  if (violations.length > 0) return { violations };
  const { additional_fields: additional, ...named } = toJson(schema, message, {
    useProtoFieldName: true,
  }) as unknown as {
    readonly [key: string]: JsonObject;
  };
  return payloadFromValue({ ...additional, ...named }, field);
}

/** ProtoJSON writes NaN and the infinities as strings, which is not what the emitter meant. */
function infiniteNumbers(schema: DescMessage, message: MessageShape<DescMessage>, path: string): Violation[] {
  const reflected = reflect(schema, message);
  return schema.fields
    .filter((field) => field.scalar === ScalarType.DOUBLE && isFieldSet(message, field))
    .filter((field) => !Number.isFinite(reflected.get(field)))
    .map((field) => ({ field: `${path}.${field.name}`, description: "must be a finite number" }));
}

function toSubmission(event: AuditEvent, payload: string): Submission {
  const given = (text: string) => (text === "" ? undefined : text);
  return {
    event_id: given(event.eventId.toLowerCase()),
    event_version: given(event.eventVersion),
    event_timestamp: timestampText(event.eventTimestamp as NonNullable<AuditEvent["eventTimestamp"]>),
    event_type: event.eventType,
    event_category: given(event.eventCategory),
    event_action: given(event.eventAction),
    event_outcome: OUTCOME_NAMES[event.eventOutcome] ?? "",
    actor_type: given(event.actorType),
    actor_id: given(event.actorId),
    resource_type: given(event.resourceType),
    resource_id: given(event.resourceId),
    correlation_id: event.correlationId,
    parent_event_id: given(event.parentEventId.toLowerCase()),
    parent_event_date: given(event.parentEventDate),
    namespace: given(event.namespace),
    cluster_name: given(event.clusterName),
    severity: given(event.severity),
    duration_ms: event.durationMs === undefined ? undefined : Number(event.durationMs),
    error_code: given(event.errorCode),
    error_message: given(event.errorMessage),
    retention_days: event.retentionDays,
    is_sensitive: event.isSensitive,
    event_data: payload,
  };
}
