import { entryOf, logSalt } from "../../integrity/entry.ts";
import type { WalkRow } from "../read/log_walk.ts";
import { instantText } from "../timestamp.ts";

/**
 * The line of an event in JSON lines and bundles, with its line feed (docs/integrity.md, "A bundle"): the members of its content
 * digest under the names of their columns, without those that are absent, and what its place in chain and log is proven with.
 * The payload stands last, as PostgreSQL writes it.
 */
export function eventLine(row: WalkRow): string {
  const position = Number(row.chain_position);
  const salt = logSalt(row.run_salt, position);
  const members = JSON.stringify({
    log_index: Number(row.log_index),
    event_id: row.event_id,
    correlation_id: row.correlation_id,
    chain_position: position,
    event_hash: row.event_hash,
    previous_event_hash: row.previous_event_hash ?? undefined,
    log_salt: salt,
    entry: entryOf(salt, position, row.event_hash),
    salt: row.salt ?? undefined,
    event_version: row.event_version,
    event_timestamp: instantText(row.event_timestamp),
    event_date: row.event_date,
    event_type: row.event_type,
    event_category: row.event_category,
    event_action: row.event_action,
    event_outcome: row.event_outcome,
    actor_type: row.actor_type,
    actor_id: row.actor_id,
    resource_type: row.resource_type,
    resource_id: row.resource_id,
    parent_event_id: row.parent_event_id ?? undefined,
    parent_event_date: row.parent_event_date ?? undefined,
    namespace: row.namespace ?? undefined,
    cluster_name: row.cluster_name ?? undefined,
    severity: row.severity ?? undefined,
    duration_ms: row.duration_ms === null ? undefined : Number(row.duration_ms),
    error_code: row.error_code ?? undefined,
    error_message: row.error_message ?? undefined,
    retention_days: row.retention_days,
    is_sensitive: row.is_sensitive,
    recorded_time: instantText(row.recorded_time),
    recorded_by: row.recorded_by,
  });
  return `${members.slice(0, -1)},"event_data":${row.event_data}}\n`;
}
