import type { Sql } from "../../postgres/pool.ts";
import type { Head, LinkedEvents } from "./chain.ts";

/** What append_audit_events and append_queued_audit_events answer; see migrations/ for what each promises. */
export type AppendAnswer = "appended" | "stale" | "duplicate" | "fenced";

/** Runs one append. With a `fence` it is one of the queue's, and `fenced` where another drainer has taken over. */
export async function appendEvents(
  sql: Sql,
  { heads, headCount, ids, events, eventCount, escaped }: LinkedEvents["arguments"],
  fence?: bigint,
): Promise<AppendAnswer> {
  const values = [heads, headCount, ids, events, eventCount, escaped];
  const [row] = await (fence === undefined
    ? sql.unsafe<Answer>("SELECT append_audit_events($1, $2, $3, $4, $5, $6) AS answer", values, { prepare: true })
    : sql.unsafe<Answer>(
        "SELECT append_queued_audit_events($7, $1, $2, $3, $4, $5, $6) AS answer",
        [...values, String(fence)],
        { prepare: true },
      ));
  if (row === undefined) throw new Error("append_audit_events gave no answer");
  return row.answer;
}

type Answer = { answer: AppendAnswer }[];

/** Makes the caller the one drainer of the queue named `epoch`. */
export async function takeQueue(
  sql: Sql,
  epoch: string,
): Promise<{ fence: bigint; previousEpoch: string | undefined }> {
  const [row] = await sql.unsafe<{ fence: string; previous_epoch: string | null }[]>(
    "SELECT fence, previous_epoch FROM take_audit_queue($1)",
    [epoch],
    { prepare: true },
  );
  if (row === undefined) throw new Error("take_audit_queue gave no answer");
  return { fence: BigInt(row.fence), previousEpoch: row.previous_epoch ?? undefined };
}

/** The heads of these chains; a chain that does not exist is absent. */
export async function readHeads(sql: Sql, correlationIds: readonly string[]): Promise<Map<string, Head>> {
  const rows = await sql.unsafe<{ correlation_id: string; chain_position: string; event_hash: string }[]>(
    `SELECT correlation_id, chain_position, event_hash FROM audit_chain_heads
     WHERE correlation_id IN (SELECT jsonb_array_elements_text($1::text::jsonb))`,
    [JSON.stringify(correlationIds)],
    { prepare: true },
  );
  return new Map(
    rows.map((row) => [row.correlation_id, { position: Number(row.chain_position), hash: row.event_hash }]),
  );
}

/** What is known of an event id that was stored before. */
export interface StoredId {
  readonly chainPosition: number;
  /** Absent once erased: then no repeat can be told from a conflict. */
  readonly salt: string | undefined;
  readonly submissionDigest: string | undefined;
  /** Empty when the event itself has been removed. */
  readonly eventHash: string;
}

/** Those of these ids that are stored. */
export async function readStoredIds(sql: Sql, eventIds: readonly string[]): Promise<Map<string, StoredId>> {
  const rows = await sql.unsafe<
    {
      event_id: string;
      chain_position: string;
      salt: string | null;
      digest: string | null;
      event_hash: string | null;
    }[]
  >(
    `SELECT id.event_id, id.chain_position, encode(id.salt, 'hex') AS salt,
            encode(id.submission_digest, 'hex') AS digest, event.event_hash
     FROM audit_event_ids AS id
     LEFT JOIN audit_events AS event ON event.event_id = id.event_id AND event.event_date = id.event_date
     WHERE id.event_id IN (SELECT jsonb_array_elements_text($1::text::jsonb)::uuid)`,
    [JSON.stringify(eventIds)],
    { prepare: true },
  );
  return new Map(
    rows.map((row) => [
      row.event_id,
      {
        chainPosition: Number(row.chain_position),
        salt: row.salt ?? undefined,
        submissionDigest: row.digest ?? undefined,
        eventHash: row.event_hash ?? "",
      },
    ]),
  );
}
