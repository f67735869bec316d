import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type AuditEvent,
  AuditEventSchema,
  EventOutcome,
  LogState,
  PayloadForm,
} from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { canonicalText, type JsonObject } from "../integrity/canonical.ts";
import type { ItemSize } from "../page_size.ts";
import type { EventRow } from "./read/events_reader.ts";
import { parseTimestamp } from "./timestamp.ts";

const OUTCOMES: Readonly<Record<string, EventOutcome>> = {
  success: EventOutcome.SUCCESS,
  failure: EventOutcome.FAILURE,
  pending: EventOutcome.PENDING,
};

/** A stored event as a message, with its payload in the form asked for. */
export function toAuditEvent(row: EventRow, form: PayloadForm): AuditEvent {
  return create(AuditEventSchema, {
    eventId: row.event_id,
    eventVersion: row.event_version,
    eventTimestamp: timestamp(row.event_timestamp),
    eventType: row.event_type,
    eventCategory: row.event_category,
    eventAction: row.event_action,
    eventOutcome: OUTCOMES[row.event_outcome] ?? EventOutcome.UNSPECIFIED,
    actorType: row.actor_type,
    actorId: row.actor_id,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    correlationId: row.correlation_id,
    parentEventId: row.parent_event_id ?? "",
    parentEventDate: row.parent_event_date ?? "",
    namespace: row.namespace ?? "",
    clusterName: row.cluster_name ?? "",
    payload: toPayload(row.event_data, form),
    severity: row.severity ?? "",
    ...(row.duration_ms === null ? {} : { durationMs: BigInt(row.duration_ms) }),
    errorCode: row.error_code ?? "",
    errorMessage: row.error_message ?? "",
    retentionDays: row.retention_days,
    isSensitive: row.is_sensitive,
    eventDate: row.event_date,
    eventHash: row.event_hash,
    previousEventHash: row.previous_event_hash ?? "",
    chainPosition: BigInt(row.chain_position),
    recordedTime: timestamp(row.recorded_time),
    recordedBy: row.recorded_by,
    legalHold: row.legal_hold,
    legalHoldReason: row.legal_hold_reason ?? "",
    legalHoldPlacedBy: row.legal_hold_placed_by ?? "",
    ...(row.legal_hold_placed_at === null ? {} : { legalHoldPlacedAt: timestamp(row.legal_hold_placed_at) }),
    ...(typeof row.log_index === "string" ? { logIndex: BigInt(row.log_index) } : {}),
    logState: logStateOf(row),
  });
}

function logStateOf({ log_index, published_size }: EventRow): LogState {
  if (log_index === undefined) return LogState.UNSPECIFIED;
  if (log_index === null) return LogState.RECORDED;
  return Number(log_index) < Number(published_size) ? LogState.COVERED : LogState.INDEXED;
}

/** jsonb keeps neither the order of keys nor the way a number was written: what is given back is the canonical text. */
function toPayload(text: string, form: PayloadForm): AuditEvent["payload"] {
  const value = JSON.parse(text) as JsonObject;
  if (form !== PayloadForm.JSON) return { case: "eventData", value: value as never };
  return { case: "eventDataJson", value: Buffer.from(canonicalText(value)) };
}

function timestamp(text: string): Timestamp {
  return create(TimestampSchema, parseTimestamp(text));
}

/**
 * What an event takes in a reply. As ProtoJSON that follows from the texts of its row; what a Struct takes as protobuf depends
 * on what is in it, and is measured where a bound that is easily told is too much.
 */
export function eventSize(event: AuditEvent, row: EventRow, form: PayloadForm): ItemSize {
  const envelope = ENVELOPE_BYTES + Buffer.byteLength(JSON.stringify(TEXTS.map((name) => row[name])));
  const data = Buffer.byteLength(row.event_data);
  if (form === PayloadForm.JSON) {
    // In base64.
    const json = envelope + Math.ceil(data / 3) * 4;
    return { bound: json, measure: () => json };
  }
  const measure = () => Math.max(envelope + data, toBinary(AuditEventSchema, event).byteLength);
  return { bound: envelope + data * STRUCT_GROWTH, measure };
}

/** Names of all fields in ProtoJSON, and the values of those that always have about the same length. */
const ENVELOPE_BYTES = 1200;
/** The most that a Struct takes for one byte of jsonb's text: `1, ` becomes eleven. */
const STRUCT_GROWTH = 4;
/** The fields of any length; in JSON none takes less room than in protobuf. */
const TEXTS = [
  "event_type",
  "event_category",
  "event_action",
  "actor_type",
  "actor_id",
  "resource_type",
  "resource_id",
  "correlation_id",
  "namespace",
  "cluster_name",
  "severity",
  "error_code",
  "error_message",
  "recorded_by",
  "legal_hold_reason",
  "legal_hold_placed_by",
] as const;
