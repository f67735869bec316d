import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import {
  AIAnalysisAuditPayloadSchema,
  GatewayAuditPayloadSchema,
  RemediationOrchestratorAuditPayloadSchema,
  WorkflowExecutionAuditPayloadSchema,
} from "../../../gen/ts/kubernaut/audit/v1/payloads_pb.ts";
import type { Json, JsonObject } from "../../integrity/canonical.ts";
import type { EventPayload } from "../trace.ts";

/** Told of a member that is of another type than its emitter's contract says. */
export type ReportMember = (name: string, must: string) => void;

/** By the first segment of the event's type. */
const FAMILIES: Readonly<Record<string, readonly [EventPayload["of"], DescMessage]>> = {
  gateway: ["gateway", GatewayAuditPayloadSchema],
  orchestrator: ["orchestrator", RemediationOrchestratorAuditPayloadSchema],
  remediation: ["orchestrator", RemediationOrchestratorAuditPayloadSchema],
  aianalysis: ["aianalysis", AIAnalysisAuditPayloadSchema],
  workflowexecution: ["workflowexecution", WorkflowExecutionAuditPayloadSchema],
};

/** Members of payloads that the contract has no message for. */
const TEXTS: ReadonlySet<string> = new Set([
  "decided_at",
  "decided_by",
  "decision",
  "decision_message",
  "ea_name",
  "modified_at",
  "modified_by",
  "namespace",
  "notification_id",
  "rar_name",
  "rr_name",
]);
const OBJECTS: ReadonlySet<string> = new Set(["new_timeout_config", "response_data"]);

/** What a payload says: as the message of its emitter, and as the object without the members that were reported. */
export interface PayloadRead {
  readonly payload: EventPayload;
  readonly data: JsonObject;
}

/**
 * Reads a payload. Members that the message does not name go into its additional_fields. The members of a Struct are taken as
 * they are, without a copy.
 */
export function readPayload(type: string, data: JsonObject, report: ReportMember): PayloadRead {
  const family = Object.hasOwn(FAMILIES, segment(type)) ? FAMILIES[segment(type)] : undefined;
  if (family === undefined) return { payload: { of: "other" }, data: withoutBad(data, otherProblem, report) };
  const [of, schema] = family;
  const fields = fieldsOf(schema);
  const message = create(schema) as Message & Record<string, unknown>;
  const additional: [string, Json][] = [];
  const good = withoutBad(data, (name, value) => problem(fields.get(name), value), report);
  for (const [name, value] of Object.entries(good)) {
    const field = fields.get(name);
    if (value === null) continue;
    if (field !== undefined) message[field.localName] = value;
    else additional.push([name, value]);
  }
  if (additional.length > 0) message["additionalFields"] = Object.fromEntries(additional);
  return { payload: { of, value: message } as unknown as EventPayload, data: good };
}

function segment(type: string): string {
  return type.slice(0, type.indexOf("."));
}

function withoutBad(
  data: JsonObject,
  problemOf: (name: string, value: Json) => string | undefined,
  report: ReportMember,
): JsonObject {
  let bad: Set<string> | undefined;
  for (const name of Object.keys(data)) {
    const must = problemOf(name, data[name] as Json);
    if (must === undefined) continue;
    report(name, must);
    bad ??= new Set();
    bad.add(name);
  }
  return bad === undefined ? data : Object.fromEntries(Object.entries(data).filter(([name]) => !bad.has(name)));
}

function otherProblem(name: string, value: Json): string | undefined {
  if (value === null) return undefined;
  if (TEXTS.has(name) && typeof value !== "string") return "must be a text";
  return OBJECTS.has(name) && !isObject(value) ? "must be an object" : undefined;
}

function problem(field: DescField | undefined, value: Json): string | undefined {
  if (field === undefined || value === null) return undefined;
  if (field.fieldKind === "message") return isObject(value) ? undefined : "must be an object";
  switch (field.scalar) {
    case ScalarType.STRING:
      return typeof value === "string" ? undefined : "must be a text";
    case ScalarType.BOOL:
      return typeof value === "boolean" ? undefined : "must be true or false";
    case ScalarType.INT32:
      return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31 ? undefined : "must be a whole number";
    default:
      return typeof value === "number" ? undefined : "must be a number";
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const known = new Map<DescMessage, ReadonlyMap<string, DescField>>();

function fieldsOf(schema: DescMessage): ReadonlyMap<string, DescField> {
  let fields = known.get(schema);
  if (fields === undefined) {
    const named = schema.fields.filter((field) => field.name !== "additional_fields");
    fields = new Map(named.map((field) => [field.name, field]));
    known.set(schema, fields);
  }
  return fields;
}
