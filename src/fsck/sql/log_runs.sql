-- Every run in the order of the log, with its events. Fields: first index, how many, first place, salt, `place:hash` of each event
-- with a comma in between, correlation id.
SELECT concat_ws(E'\x1f',
  first_log_index, event_count, first_position, encode(salt, 'hex'),
  coalesce((
    SELECT string_agg(event.chain_position || ':' || event.event_hash, ',' ORDER BY event.chain_position)
    FROM audit_events AS event
    WHERE event.correlation_id = run.correlation_id
      AND event.chain_position >= run.first_position AND event.chain_position < least(run.first_position, 4611686018427387904) + run.event_count
      AND event.event_date BETWEEN run.first_date AND run.last_date), ''),
  run.correlation_id) AS text
FROM (SELECT * FROM audit_log_runs ORDER BY first_log_index OFFSET 0) AS run
