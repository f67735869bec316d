import { randomUUIDv7 } from "node:crypto";
import { parseTimestamp, timestampText } from "../../src/audit/timestamp.ts";
import { canonicalText, type Json } from "../../src/integrity/canonical.ts";
import { contentDigest, eventHash } from "../../src/integrity/event_digest.ts";
import type { TraceRow } from "../../src/reconstruction/trace.ts";

/** An event of a trace that is made up: what is left out gets a value. */
export interface MadeEvent {
  readonly event_id?: string;
  readonly event_type: string;
  readonly event_timestamp?: string;
  readonly event_outcome?: string;
  readonly event_data?: unknown;
  readonly actor_type?: string;
  readonly actor_id?: string;
  readonly correlation_id?: string;
  readonly namespace?: string;
  readonly cluster_name?: string;
}

const SALT = "00112233445566778899aabbccddeeff";

/** Rows as the statement of a trace gives them, in the order of the events, chained and hashed as the service does it. */
export function traceRows(events: readonly MadeEvent[], correlationId = "rr-made"): TraceRow[] {
  let previous: string | undefined;
  return events.map((event, index) => {
    const row = traceRow(event, correlationId, index + 1, previous);
    previous = row.event_hash;
    return row;
  });
}

function traceRow(event: MadeEvent, correlationId: string, position: number, previous: string | undefined): TraceRow {
  const timestamp = instant(event.event_timestamp ?? "2026-09-14T07:42:11Z");
  const service = event.event_type.split(".")[0] as string;
  const fields = {
    actor_id: event.actor_id ?? service,
    actor_type: event.actor_type ?? "service",
    correlation_id: event.correlation_id ?? correlationId,
    event_action: event.event_type.split(".").at(-1) as string,
    event_category: service,
    event_data: canonicalText((event.event_data ?? {}) as Json),
    event_date: timestamp.slice(0, 10),
    event_id: event.event_id ?? randomUUIDv7(),
    event_outcome: event.event_outcome ?? "success",
    event_timestamp: timestamp,
    event_type: event.event_type,
    event_version: "1.0",
    is_sensitive: false,
    recorded_by: "tester",
    recorded_time: "2026-09-14T09:00:00.000000Z",
    resource_id: event.correlation_id ?? correlationId,
    resource_type: "RemediationRequest",
    retention_days: 2555,
  };
  const places = { namespace: event.namespace, cluster_name: event.cluster_name };
  const hash = eventHash(previous, contentDigest({ ...fields, ...places }, SALT));
  return {
    ...fields,
    namespace: event.namespace ?? null,
    cluster_name: event.cluster_name ?? null,
    parent_event_id: null,
    parent_event_date: null,
    severity: null,
    duration_ms: null,
    error_code: null,
    error_message: null,
    event_hash: hash,
    previous_event_hash: previous ?? null,
    chain_position: String(position),
    salt: SALT,
  };
}

function instant(text: string): string {
  return timestampText(parseTimestamp(text));
}
