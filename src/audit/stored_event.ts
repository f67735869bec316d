import { create, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type AuditEvent,
  AuditEventSchema,
  EventOutcome,
  PayloadForm,
} from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { canonicalText, type JsonObject } from "../integrity/canonical.ts";
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
  });
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
 * Adds up the sizes of a page's events, so that no reply grows over gRPC's usual limit of 4 MiB. The bound leaves room for
 * ProtoJSON, which writes names out and bytes in base64.
 */
export class PageSize {
  #bytes = 0;

  /** Whether the event still fits; the first always does. */
  fits(event: AuditEvent, row: EventRow): boolean {
    // A Struct takes up to 5.5 bytes for each of JSON's; measured exactly only where that could matter.
    const atMost = row.event_data.length * 6 + ENVELOPE_BYTES;
    const size =
      this.#bytes + atMost <= PAGE_BYTES ? atMost : toBinary(AuditEventSchema, event).byteLength + ENVELOPE_BYTES;
    if (this.#bytes > 0 && this.#bytes + size > PAGE_BYTES) return false;
    this.#bytes += size;
    return true;
  }
}

const PAGE_BYTES = 2.5 * 1024 * 1024;
const ENVELOPE_BYTES = 2048;
