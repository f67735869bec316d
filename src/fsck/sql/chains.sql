-- Every event in the order of its chain, with its salt: one walk along idx_audit_events_chain of all partitions.
SELECT
  event.event_id, event.event_version, event.event_timestamp, event.event_date, event.event_type, event.event_category,
  event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
  event.correlation_id, event.parent_event_id, event.parent_event_date, event.namespace, event.cluster_name,
  event.event_data::text AS event_data, event.severity, event.duration_ms, event.error_code, event.error_message,
  event.retention_days, event.is_sensitive, event.recorded_time, event.recorded_by, event.event_hash,
  event.previous_event_hash, event.chain_position, encode(id.salt, 'hex') AS salt
FROM audit_events AS event
LEFT JOIN audit_event_ids AS id ON id.event_id = event.event_id
WHERE $1::text IS NULL OR event.correlation_id = $1::text
ORDER BY event.correlation_id, event.chain_position
