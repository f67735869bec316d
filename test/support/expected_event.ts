import assert from "node:assert/strict";
import { toJson } from "@bufbuild/protobuf";
import { type AuditEvent, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { AIAnalysisAuditPayloadSchema } from "../../gen/ts/kubernaut/audit/v1/payloads_pb.ts";

const CATEGORIES: Readonly<Record<string, string>> = {
  aianalysis: "analysis",
  orchestrator: "orchestration",
  remediation: "orchestration",
  workflow: "workflow",
  remediationworkflow: "workflow",
};

/**
 * Asserts that what is read is what was sent: every field as the emitter set it or as docs/events.md derives it, times to the
 * microsecond, the payload as a JSON value. Written anew from the documentation, and not with the code under test.
 */
export function assertReadsBack(sent: AuditEvent, read: AuditEvent): void {
  const [service = ""] = sent.eventType.split(".");
  const expected = {
    eventId: sent.eventId.toLowerCase() || read.eventId,
    eventVersion: sent.eventVersion || "1.0",
    seconds: sent.eventTimestamp?.seconds,
    micros: Math.floor((sent.eventTimestamp?.nanos ?? 0) / 1000),
    eventType: sent.eventType,
    eventCategory: sent.eventCategory || (Object.hasOwn(CATEGORIES, service) ? CATEGORIES[service] : service),
    eventAction: sent.eventAction || sent.eventType.split(".").at(-1),
    eventOutcome: sent.eventOutcome,
    actorType: sent.actorType || "service",
    actorId: sent.actorId || service,
    resourceType: sent.resourceType || "RemediationRequest",
    resourceId: sent.resourceId || sent.correlationId,
    correlationId: sent.correlationId,
    parentEventId: sent.parentEventId.toLowerCase(),
    parentEventDate: sent.parentEventDate,
    namespace: sent.namespace,
    clusterName: sent.clusterName,
    severity: sent.severity,
    durationMs: sent.durationMs,
    errorCode: sent.errorCode,
    errorMessage: sent.errorMessage,
    retentionDays: sent.retentionDays ?? 2555,
    isSensitive: sent.isSensitive,
  };
  const found: Record<string, unknown> = {
    seconds: read.eventTimestamp?.seconds,
    micros: (read.eventTimestamp?.nanos ?? 0) / 1000,
  };
  for (const name of Object.keys(expected)) {
    if (!Object.hasOwn(found, name)) found[name] = (read as unknown as Record<string, unknown>)[name];
  }
  assert.deepEqual(found, expected);
  assert.notEqual(read.eventOutcome, EventOutcome.UNSPECIFIED);
  assert.deepEqual(plain(payloadValue(read)), plain(payloadValue(sent)));
}

/** The payload as the JSON value that it stands for. */
export function payloadValue({ payload }: AuditEvent): unknown {
  switch (payload.case) {
    case undefined:
      return {};
    case "eventData":
      return payload.value;
    case "eventDataJson":
      return JSON.parse(Buffer.from(payload.value).toString("utf8"));
    case "aiAnalysis": {
      const { additionalFields, ...named } = payload.value;
      const members = toJson(AIAnalysisAuditPayloadSchema, named as typeof payload.value, { useProtoFieldName: true });
      return { ...additionalFields, ...(members as object) };
    }
    default:
      throw new Error(`no value of ${payload.case}`);
  }
}

/** Entries in place of objects, so that no member's name means anything; -0 is 0, as it is in JSON. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value === 0) return 0;
  if (typeof value !== "object" || value === null) return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, plain(Object.getOwnPropertyDescriptor(value, key)?.value)]);
}
