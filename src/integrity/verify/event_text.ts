import type { LinkRow } from "../chain_link.ts";

/**
 * The SQL expression of a whole event as one text, over `event` (a row of audit_events) and `id` (its row of
 * audit_event_ids): 30 columns cost five times the time of one text when they are taken apart. Its fields stand in the order
 * of FIELDS with U+001F in between, and a `v` before each that can be null (`n`). Where a field holds that character, or is
 * null against the schema, the event comes as a JSON object instead, so that no two events have one text.
 */
export const EVENT_TEXT = `CASE
    WHEN strpos(concat(
      event.event_version, event.event_type, event.event_category, event.event_action, event.event_outcome, event.actor_type,
      event.actor_id, event.resource_type, event.resource_id, event.correlation_id, event.recorded_by, event.event_hash,
      event.previous_event_hash, event.namespace, event.cluster_name, event.severity, event.error_code, event.error_message
    ), E'\\x1f') = 0 AND num_nulls(
      event.event_id, event.event_version, event.event_timestamp, event.event_date, event.event_type, event.event_category,
      event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
      event.correlation_id, event.event_data, event.retention_days, event.is_sensitive, event.recorded_time,
      event.recorded_by, event.event_hash, event.chain_position
    ) = 0
    THEN concat_ws(E'\\x1f',
      event.event_id, event.event_version, event.event_timestamp, event.event_date, event.event_type, event.event_category,
      event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
      event.correlation_id, event.event_data, event.retention_days, event.is_sensitive, event.recorded_time,
      event.recorded_by, event.event_hash, event.chain_position,
      coalesce('v' || event.parent_event_id, 'n'), coalesce('v' || event.parent_event_date, 'n'),
      coalesce('v' || event.namespace, 'n'), coalesce('v' || event.cluster_name, 'n'), coalesce('v' || event.severity, 'n'),
      coalesce('v' || event.duration_ms, 'n'), coalesce('v' || event.error_code, 'n'),
      coalesce('v' || event.error_message, 'n'), coalesce('v' || event.previous_event_hash, 'n'),
      coalesce('v' || encode(id.salt, 'hex'), 'n'))
    ELSE (SELECT row_to_json(whole) FROM (SELECT
      event.event_id, event.event_version, event.event_timestamp::text AS event_timestamp, event.event_date,
      event.event_type, event.event_category, event.event_action, event.event_outcome, event.actor_type, event.actor_id,
      event.resource_type, event.resource_id, event.correlation_id, event.event_data::text AS event_data,
      event.retention_days, event.is_sensitive, event.recorded_time::text AS recorded_time, event.recorded_by,
      event.event_hash, event.chain_position::text AS chain_position, event.parent_event_id, event.parent_event_date,
      event.namespace, event.cluster_name, event.severity, event.duration_ms::text AS duration_ms, event.error_code,
      event.error_message, event.previous_event_hash, encode(id.salt, 'hex') AS salt
    ) AS whole)::text
  END`;

/** Fields of a text: what EVENT_TEXT puts in it. */
const FIELDS = 30;

/**
 * The event that a text of EVENT_TEXT holds.
 *
 * @throws Error for any other text.
 */
export function readEventText(text: string): LinkRow {
  if (text.startsWith("{")) return JSON.parse(text) as LinkRow;
  const fields = text.split("\u001f") as Fields;
  if (fields.length !== FIELDS) throw new Error(`an event has ${FIELDS} fields, and not ${fields.length}`);
  return {
    event_id: fields[0],
    event_version: fields[1],
    event_timestamp: fields[2],
    event_date: fields[3],
    event_type: fields[4],
    event_category: fields[5],
    event_action: fields[6],
    event_outcome: fields[7],
    actor_type: fields[8],
    actor_id: fields[9],
    resource_type: fields[10],
    resource_id: fields[11],
    correlation_id: fields[12],
    event_data: fields[13],
    retention_days: Number(fields[14]),
    is_sensitive: fields[15] === "t",
    recorded_time: fields[16],
    recorded_by: fields[17],
    event_hash: fields[18],
    chain_position: fields[19],
    parent_event_id: nullable(fields[20]),
    parent_event_date: nullable(fields[21]),
    namespace: nullable(fields[22]),
    cluster_name: nullable(fields[23]),
    severity: nullable(fields[24]),
    duration_ms: nullable(fields[25]),
    error_code: nullable(fields[26]),
    error_message: nullable(fields[27]),
    previous_event_hash: nullable(fields[28]),
    salt: nullable(fields[29]),
  };
}

function nullable(field: string): string | null {
  return field === "n" ? null : field.slice(1);
}

type Ten = [string, string, string, string, string, string, string, string, string, string];
type Fields = [...Ten, ...Ten, ...Ten];
