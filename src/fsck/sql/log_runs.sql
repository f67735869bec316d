-- Every run in the order of the log, with its events, in parts of 4096 places up to the log's end, which is $1: a run may claim more
-- than anybody can hold. Fields: first index, how many, first place, salt, `place:hash` of each event with a comma in between,
-- correlation id.
SELECT concat_ws(E'\x1f',
  run.first_log_index::numeric + part, CASE WHEN part + 4096 < ending THEN 4096 ELSE run.event_count - part END,
  run.first_position::numeric + part, encode(salt, 'hex'),
  coalesce((
    SELECT string_agg(event.chain_position || ':' || event.event_hash, ',' ORDER BY event.chain_position)
    FROM audit_events AS event
    WHERE event.correlation_id = run.correlation_id
      AND event.chain_position >= place AND event.chain_position < place + 4096
      AND event.chain_position < place - part + run.event_count
      AND event.event_date BETWEEN run.first_date AND run.last_date), ''),
  run.correlation_id) AS text
FROM (
  SELECT *, least(event_count, greatest($1::text::bigint - first_log_index, 1)) AS ending
  FROM audit_log_runs ORDER BY first_log_index OFFSET 0
) AS run
CROSS JOIN LATERAL generate_series(0, run.ending - 1, 4096) AS part
CROSS JOIN LATERAL (SELECT least(run.first_position, 4611686018427387904) + part AS place OFFSET 0) AS placed
