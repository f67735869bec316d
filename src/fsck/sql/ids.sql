-- Events and ids that do not fit together. An id that is stored twice has two dates, and its row in audit_event_ids but one.
SELECT
  coalesce(id.event_id, event.event_id) AS event_id, event.correlation_id,
  id.event_date AS id_date, id.chain_position AS id_position,
  event.event_date, event.chain_position,
  octet_length(id.salt) AS salt_bytes, octet_length(id.submission_digest) AS submission_digest_bytes,
  EXISTS (
    SELECT FROM audit_events AS other
    WHERE other.event_id = event.event_id AND other.event_date = id.event_date AND other.event_date <> event.event_date
  ) AS stored_twice
FROM audit_event_ids AS id
FULL JOIN audit_events AS event ON event.event_id = id.event_id
WHERE (id.event_date, id.chain_position) IS DISTINCT FROM (event.event_date, event.chain_position)
  OR octet_length(id.salt) IS DISTINCT FROM 16
  OR octet_length(id.submission_digest) IS DISTINCT FROM 32
