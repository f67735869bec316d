import type { Statement } from "../../postgres/statement.ts";
import type { AsOf } from "../trace.ts";

/**
 * The one statement of a reconstruction: the events of a correlation in the order of their chain, with the salts by which
 * their hashes are recomputed.
 *
 * A place in the chain bounds what is read. A time does not: the events up to it may stand anywhere in the chain, and a chain
 * read with holes could not be checked; the stage `parse` leaves the later ones out. The head of the chain comes with each row:
 * it tells whether the newest events are there.
 */
export function traceStatement(correlationId: string, asOf?: AsOf): Statement {
  const last = asOf !== undefined && "position" in asOf ? String(asOf.position) : MAX_POSITION;
  return { text: TEXT, parameters: [correlationId, last] };
}

const MAX_POSITION = "9223372036854775807";

const TEXT = `SELECT
    event.event_id, event.event_version, event.event_timestamp, event.event_date, event.event_type, event.event_category,
    event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
    event.correlation_id, event.parent_event_id, event.parent_event_date, event.namespace, event.cluster_name,
    event.event_data::text AS event_data, event.severity, event.duration_ms, event.error_code, event.error_message,
    event.retention_days, event.is_sensitive, event.recorded_time, event.recorded_by, event.event_hash,
    event.previous_event_hash, event.chain_position, encode(id.salt, 'hex') AS salt,
    (SELECT head.chain_position FROM audit_chain_heads AS head WHERE head.correlation_id = $1) AS head_position,
    (SELECT head.event_hash FROM audit_chain_heads AS head WHERE head.correlation_id = $1) AS head_hash
  FROM audit_events AS event
  LEFT JOIN audit_event_ids AS id ON id.event_id = event.event_id
  WHERE event.correlation_id = $1 AND event.chain_position <= $2::text::bigint
  ORDER BY event.chain_position`;
