import assert from "node:assert/strict";
import type { Sql } from "postgres";
import {
  type AuditEvent,
  EventOutcome,
  LogState,
  PayloadForm,
} from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { timestampText } from "../../src/audit/timestamp.ts";
import { contentDigest, type DigestedFields, eventHash } from "../../src/integrity/event_digest.ts";
import { type AuditClient, listAll } from "./audit_service.ts";

/**
 * Reads a whole chain through the service and recomputes it: positions 1 to n, each event linked to the one before, every
 * hash as src/integrity computes it from what was read and the salt in the database, and the head in its place.
 */
export async function verifiedChain(client: AuditClient, admin: Sql, correlationId: string): Promise<AuditEvent[]> {
  const request = {
    filter: { correlationId },
    orderBy: "chain_position",
    pageSize: 1000,
    payloadForm: PayloadForm.JSON,
  };
  const { events, heads } = await readWhole(admin, correlationId, () => listAll(client, request));
  const salts = await admin<{ event_id: string; salt: string }[]>`
    SELECT id.event_id, encode(salt, 'hex') AS salt FROM audit_event_ids AS id
    JOIN audit_events USING (event_id, event_date) WHERE correlation_id = ${correlationId}`;
  const saltOf = new Map(salts.map(({ event_id, salt }) => [event_id, salt]));
  let previous: AuditEvent | undefined;
  for (const event of events) {
    const digest = contentDigest(digestedFields(event), saltOf.get(event.eventId) as string);
    assert.equal(event.chainPosition, (previous?.chainPosition ?? 0n) + 1n, "no gap and no fork");
    assert.equal(event.previousEventHash, previous?.eventHash ?? "");
    assert.equal(event.eventHash, eventHash(previous?.eventHash, digest));
    previous = event;
  }
  const head = previous && { position: events.length, hash: previous.eventHash };
  assert.deepEqual(heads, head ? [head] : []);
  return events;
}

/** Events as they were recorded: without how far the log has come with them, which goes on by itself. */
export function asRecorded(events: readonly AuditEvent[]): AuditEvent[] {
  return events.map(({ logIndex: _, ...event }) => ({ ...event, logState: LogState.UNSPECIFIED }));
}

/** Reads a chain with its head: again when the head has moved meanwhile, as it does while events are still appended. */
async function readWhole(admin: Sql, correlationId: string, read: () => Promise<AuditEvent[]>) {
  const readHeads = async () => {
    const rows = await admin`
      SELECT chain_position::int AS position, event_hash AS hash FROM audit_chain_heads
      WHERE correlation_id = ${correlationId}`;
    return [...rows].map((row) => ({ ...row }));
  };
  for (let before = await readHeads(); ; ) {
    const events = await read();
    const heads = await readHeads();
    if (JSON.stringify(heads) === JSON.stringify(before)) return { events, heads };
    before = heads;
  }
}

const OUTCOMES: Readonly<Record<EventOutcome, string>> = {
  [EventOutcome.UNSPECIFIED]: "",
  [EventOutcome.SUCCESS]: "success",
  [EventOutcome.FAILURE]: "failure",
  [EventOutcome.PENDING]: "pending",
};

/** The digested fields of an event that was read with its payload as JSON. */
export function digestedFields(event: AuditEvent): DigestedFields {
  const given = (text: string) => (text === "" ? undefined : text);
  assert.equal(event.payload.case, "eventDataJson");
  return {
    actor_id: event.actorId,
    actor_type: event.actorType,
    cluster_name: given(event.clusterName),
    correlation_id: event.correlationId,
    duration_ms: event.durationMs === undefined ? undefined : Number(event.durationMs),
    error_code: given(event.errorCode),
    error_message: given(event.errorMessage),
    event_action: event.eventAction,
    event_category: event.eventCategory,
    event_data: Buffer.from(event.payload.value as Uint8Array).toString(),
    event_date: event.eventDate,
    event_id: event.eventId,
    event_outcome: OUTCOMES[event.eventOutcome] ?? "",
    event_timestamp: timestampText(event.eventTimestamp as NonNullable<AuditEvent["eventTimestamp"]>),
    event_type: event.eventType,
    event_version: event.eventVersion,
    is_sensitive: event.isSensitive,
    namespace: given(event.namespace),
    parent_event_date: given(event.parentEventDate),
    parent_event_id: given(event.parentEventId),
    recorded_by: event.recordedBy,
    recorded_time: timestampText(event.recordedTime as NonNullable<AuditEvent["recordedTime"]>),
    resource_id: event.resourceId,
    resource_type: event.resourceType,
    retention_days: event.retentionDays as number,
    severity: given(event.severity),
  };
}
