import type postgres from "postgres";

/**
 * Gives an index to what is pending, as the sequencer does but without a tree: no tiles, no entries, a root of zeros. For tests of
 * what reads the log's order alone. Answers the size of the log. `limit`: pending rows at most.
 */
export async function advanceLog(sql: postgres.Sql, limit = 100_000): Promise<number> {
  const [row] = await sql.unsafe<{ answer: string; size: string }[]>(
    `WITH state AS (SELECT size FROM audit_log_state),
      pending AS (SELECT pending_id, event_count FROM audit_log_pending ORDER BY pending_id LIMIT ${limit}),
      placed AS (
        SELECT pending_id, event_count, (SELECT size FROM state) + sum(event_count) OVER (ORDER BY pending_id) - event_count AS first
        FROM pending
      ), all_of_it AS (
        SELECT coalesce(sum(event_count), 0) + (SELECT size FROM state) AS size,
          coalesce(array_agg(pending_id ORDER BY pending_id), '{}') AS ids,
          coalesce(array_agg(first::bigint ORDER BY pending_id), '{}') AS firsts,
          coalesce(string_agg(uuid_send(gen_random_uuid()), '' ORDER BY pending_id), '') AS salts
        FROM placed
      )
    SELECT size, advance_audit_log((SELECT size FROM state), size::bigint, decode(repeat('00', 32), 'hex'), ids, firsts, salts,
      '{}', '{}', '{}', '', '{}', '{}', '') AS answer
    FROM all_of_it`,
  );
  if (row?.answer !== "advanced") throw new Error(`the log was not advanced: ${row?.answer}`);
  return Number(row.size);
}
