import type { DigestedFields } from "../integrity/event_digest.ts";

/** The limits of docs/events.md that callers are told about. */
export const LIMITS = {
  batchEvents: 1000,
  /** Bytes of a payload as PostgreSQL stores it, in its canonical text. */
  eventDataBytes: 256 * 1024,
  /** Levels of nesting; the payload itself is the first. */
  eventDataDepth: 10,
  pageSize: 1000,
  defaultPageSize: 100,
} as const;

export const DEFAULTS = {
  event_version: "1.0",
  actor_type: "service",
  resource_type: "RemediationRequest",
  retention_days: 2555,
} as const;

/** What an emitter said: the digested fields without what the server adds; absent where the emitter left it out. */
export interface Submission {
  readonly event_id?: string | undefined;
  readonly event_version?: string | undefined;
  readonly event_timestamp: string;
  readonly event_type: string;
  readonly event_category?: string | undefined;
  readonly event_action?: string | undefined;
  readonly event_outcome: string;
  readonly actor_type?: string | undefined;
  readonly actor_id?: string | undefined;
  readonly resource_type?: string | undefined;
  readonly resource_id?: string | undefined;
  readonly correlation_id: string;
  readonly parent_event_id?: string | undefined;
  readonly parent_event_date?: string | undefined;
  readonly namespace?: string | undefined;
  readonly cluster_name?: string | undefined;
  readonly severity?: string | undefined;
  readonly duration_ms?: number | undefined;
  readonly error_code?: string | undefined;
  readonly error_message?: string | undefined;
  readonly retention_days?: number | undefined;
  readonly is_sensitive: boolean;
  /** Canonical text of the payload. */
  readonly event_data: string;
}

/** What stands in the log for a field that the emitter left out. */
export interface DerivedFields {
  readonly event_version: string;
  readonly event_category: string;
  readonly event_action: string;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly resource_type: string;
  readonly resource_id: string;
  readonly retention_days: number;
}

/** Category by the first segment of event_type, where it is not that segment itself. */
const CATEGORY_OF_SERVICE: Readonly<Record<string, string>> = {
  aianalysis: "analysis",
  orchestrator: "orchestration",
  remediation: "orchestration",
  workflow: "workflow",
  remediationworkflow: "workflow",
};

/** The fields that follow from event_type and correlation_id when an emitter leaves them out. */
export function deriveFields(eventType: string, correlationId: string): DerivedFields {
  const firstDot = eventType.indexOf(".");
  const service = firstDot < 0 ? eventType : eventType.slice(0, firstDot);
  return {
    event_version: DEFAULTS.event_version,
    event_category: Object.hasOwn(CATEGORY_OF_SERVICE, service) ? (CATEGORY_OF_SERVICE[service] as string) : service,
    event_action: eventType.slice(eventType.lastIndexOf(".") + 1),
    actor_type: DEFAULTS.actor_type,
    actor_id: service,
    resource_type: DEFAULTS.resource_type,
    resource_id: correlationId,
    retention_days: DEFAULTS.retention_days,
  };
}

/** The event as it is stored and hashed. */
export function completeFields(
  submission: Submission,
  derived: DerivedFields,
  added: { event_id: string; recorded_time: string; recorded_by: string },
): DigestedFields {
  return {
    actor_id: submission.actor_id ?? derived.actor_id,
    actor_type: submission.actor_type ?? derived.actor_type,
    cluster_name: submission.cluster_name,
    correlation_id: submission.correlation_id,
    duration_ms: submission.duration_ms,
    error_code: submission.error_code,
    error_message: submission.error_message,
    event_action: submission.event_action ?? derived.event_action,
    event_category: submission.event_category ?? derived.event_category,
    event_data: submission.event_data,
    event_date: submission.event_timestamp.slice(0, 10),
    event_id: submission.event_id ?? added.event_id,
    event_outcome: submission.event_outcome,
    event_timestamp: submission.event_timestamp,
    event_type: submission.event_type,
    event_version: submission.event_version ?? derived.event_version,
    is_sensitive: submission.is_sensitive,
    namespace: submission.namespace,
    parent_event_date: submission.parent_event_date,
    parent_event_id: submission.parent_event_id,
    recorded_by: added.recorded_by,
    recorded_time: added.recorded_time,
    resource_id: submission.resource_id ?? derived.resource_id,
    resource_type: submission.resource_type ?? derived.resource_type,
    retention_days: submission.retention_days ?? derived.retention_days,
    severity: submission.severity,
  };
}

/**
 * One text for all ways to say the same event: what tells a repeat from a conflict. Its members are sorted as RFC 8785 sorts
 * them; event_id is what a repeat is found by and is left out. A field that says no more than what would be derived is left
 * out too, so that an event that was read can be sent again, and so that a later rule of derivation turns no repeat into a
 * conflict.
 */
export function submissionText(submission: Submission, derived: DerivedFields): string {
  const before = {
    actor_id: unlessDerived(submission.actor_id, derived.actor_id),
    actor_type: unlessDerived(submission.actor_type, derived.actor_type),
    cluster_name: submission.cluster_name,
    correlation_id: submission.correlation_id,
    duration_ms: submission.duration_ms,
    error_code: submission.error_code,
    error_message: submission.error_message,
    event_action: unlessDerived(submission.event_action, derived.event_action),
    event_category: unlessDerived(submission.event_category, derived.event_category),
  };
  const after = {
    event_outcome: submission.event_outcome,
    event_timestamp: submission.event_timestamp,
    event_type: submission.event_type,
    event_version: unlessDerived(submission.event_version, derived.event_version),
    is_sensitive: submission.is_sensitive,
    namespace: submission.namespace,
    parent_event_date: submission.parent_event_date,
    parent_event_id: submission.parent_event_id,
    resource_id: unlessDerived(submission.resource_id, derived.resource_id),
    resource_type: unlessDerived(submission.resource_type, derived.resource_type),
    retention_days: unlessDerived(submission.retention_days, derived.retention_days),
    severity: submission.severity,
  };
  // The payload stands between the two, in the text that it has already.
  return `${JSON.stringify(before).slice(0, -1)},"event_data":${submission.event_data},${JSON.stringify(after).slice(1)}`;
}

function unlessDerived<T>(given: T, derived: T): T | undefined {
  return given === derived ? undefined : given;
}
