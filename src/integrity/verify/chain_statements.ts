import { SELECT_EVENTS } from "./event_text.ts";

/** How the statements below are planned: a chain may hold millions of events, and indexes have them in order. */
export const IN_ORDER = { enable_sort: "off", enable_incremental_sort: "off", enable_seqscan: "off" };

/** The head of chain $1 and how far the log has come, which is 2^53 - 1 entries at most: one row. */
export const HEAD = `SELECT
    head.chain_position, head.event_hash, least(coalesce(state.size, 0), 9007199254740991) AS log_size, coalesce(state.published_size, 0) AS covered_size
  FROM (SELECT $1::text AS correlation_id) AS chain
  LEFT JOIN audit_chain_heads AS head ON head.correlation_id = chain.correlation_id
  LEFT JOIN audit_log_state AS state ON true`;

/** The events of chain $1, in the order of their places. */
export const EVENTS = `${SELECT_EVENTS}
  WHERE event.correlation_id = $1::text
  ORDER BY event.correlation_id, event.chain_position, event.event_date`;

/**
 * Where the log of $2 entries has chain $1, in the order of places: a row for each part of a run within one bundle. Fields: first
 * place, how many, first log index, run's salt, entries, leaf hashes. A run beyond the log's end stands for nothing.
 */
export const INDEXED = `SELECT concat_ws(E'\\x1f',
    run.first_position::numeric + part.first_index - run.first_log_index, part.ending - part.first_index, part.first_index,
    encode(run.salt, 'hex'),
    coalesce((
      SELECT encode(substring(entries FROM part.place FOR (32 * (part.ending - part.first_index))::integer), 'hex')
      FROM audit_log_entries WHERE bundle_index = bundle), ''),
    coalesce((
      SELECT encode(substring(hashes FROM part.place FOR (32 * (part.ending - part.first_index))::integer), 'hex')
      FROM audit_log_tiles WHERE level = 0 AND tile_index = bundle), '')) AS text
  FROM (
    SELECT first_log_index, first_position, salt, least(first_log_index + event_count, $2::text::bigint) AS ending
    FROM audit_log_runs
    WHERE correlation_id = $1::text AND first_log_index < $2::text::bigint
    ORDER BY first_position OFFSET 0
  ) AS run
  CROSS JOIN LATERAL generate_series(run.first_log_index / 256, (run.ending - 1) / 256) AS bundle
  CROSS JOIN LATERAL (
    SELECT
      greatest(run.first_log_index, 256 * bundle) AS first_index, least(run.ending, 256 * (bundle + 1)) AS ending,
      (32 * (greatest(run.first_log_index, 256 * bundle) - 256 * bundle) + 1)::integer AS place
  ) AS part`;

/** What of chain $1 waits for an index, in the order of places. Fields: first place, how many, and their hashes. */
export const WAITING = `SELECT concat_ws(E'\\x1f', first_position, event_count, encode(event_hashes, 'hex')) AS text
  FROM audit_log_pending
  WHERE correlation_id = $1::text
  ORDER BY first_position, pending_id`;
