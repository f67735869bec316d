-- Heads that are not the last event of their chain, heads without a chain, and chains without a head.
SELECT
  coalesce(head.correlation_id, chain.correlation_id) AS correlation_id,
  head.chain_position AS head_position, head.event_hash AS head_hash,
  chain.chain_position, chain.event_hash, chain.event_id
FROM audit_chain_heads AS head
FULL JOIN (
  SELECT DISTINCT ON (correlation_id) correlation_id, chain_position, event_hash, event_id
  FROM audit_events
  WHERE $1::text IS NULL OR correlation_id = $1::text
  ORDER BY correlation_id, chain_position DESC
) AS chain ON chain.correlation_id = head.correlation_id
WHERE (head.chain_position, head.event_hash) IS DISTINCT FROM (chain.chain_position, chain.event_hash)
  AND ($1::text IS NULL OR coalesce(head.correlation_id, chain.correlation_id) = $1::text)
