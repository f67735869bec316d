-- Where what the log knows of a chain is not one place after the other from 1 up to the head. `found`: the place at which it goes
-- on; null where it ends before the head. Whatever place somebody has stored, 2^62 stands for those beyond, so that one can be added.
WITH known AS (
  SELECT correlation_id, least(first_position, 4611686018427387904) AS first_position, event_count FROM audit_log_runs
  UNION ALL
  SELECT correlation_id, least(first_position, 4611686018427387904), event_count FROM audit_log_pending
), head AS (
  SELECT correlation_id, least(chain_position, 4611686018427387904) AS chain_position FROM audit_chain_heads
), followed AS (
  SELECT
    correlation_id, first_position,
    coalesce(max(first_position + event_count) OVER (
      PARTITION BY correlation_id ORDER BY first_position, event_count ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1) AS expected
  FROM known
), ends AS (
  SELECT correlation_id, max(first_position + event_count - 1) AS chain_position FROM known GROUP BY correlation_id
)
SELECT correlation_id, expected, first_position AS found FROM followed WHERE first_position <> expected
UNION ALL
SELECT coalesce(ends.correlation_id, head.correlation_id), coalesce(ends.chain_position, 0) + 1, NULL
FROM head FULL JOIN ends ON ends.correlation_id = head.correlation_id
WHERE coalesce(ends.chain_position, 0) < coalesce(head.chain_position, 0)
UNION ALL
SELECT coalesce(ends.correlation_id, head.correlation_id), coalesce(head.chain_position, 0) + 1, 0
FROM head FULL JOIN ends ON ends.correlation_id = head.correlation_id
WHERE coalesce(ends.chain_position, 0) > coalesce(head.chain_position, 0)
ORDER BY 1, 2
