-- Events whose date is not that of their timestamp, or that are in the partition of another month.
SELECT
  event.event_id, event.correlation_id, event.event_date, partition.relname AS partition,
  (event.event_timestamp AT TIME ZONE 'UTC')::date AS day,
  event.event_date <> (event.event_timestamp AT TIME ZONE 'UTC')::date AS wrong_date
FROM audit_events AS event
JOIN pg_class AS partition ON partition.oid = event.tableoid
WHERE event.event_date <> (event.event_timestamp AT TIME ZONE 'UTC')::date
  OR partition.relname NOT IN ('audit_events_default', 'audit_events_' || to_char(event.event_date, 'YYYY_MM'))
