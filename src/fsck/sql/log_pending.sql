-- Hashes that wait for an index and are not those of their events.
SELECT pending.correlation_id, bounded.place + waiting.place AS chain_position, event.event_id
FROM audit_log_pending AS pending
CROSS JOIN LATERAL least(pending.first_position, 4611686018427387904) AS bounded (place)
CROSS JOIN LATERAL generate_series(0, pending.event_count - 1) AS waiting (place)
LEFT JOIN audit_events AS event
  ON event.correlation_id = pending.correlation_id AND event.chain_position = bounded.place + waiting.place
  AND event.event_date BETWEEN pending.first_date AND pending.last_date
WHERE encode(substring(pending.event_hashes FROM 1 + 32 * waiting.place FOR 32), 'hex') IS DISTINCT FROM event.event_hash
