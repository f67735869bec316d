import { once } from "node:events";
import { linkEvents } from "../src/audit/append/chain.ts";
import { prepareBatch } from "../src/audit/intake.ts";
import { FIELD_SEPARATOR, type PreparedEvent, RECORD_SEPARATOR } from "../src/audit/prepare.ts";
import { eventHash } from "../src/integrity/event_digest.ts";
import type { Sql } from "../src/postgres/pool.ts";
import { EventSource } from "./events.ts";

/** Rows of one COPY. */
export const COPY_ROWS = 1000;

/** The columns of an event's row, in the order of append_audit_events. */
const COLUMNS = `event_id, event_version, event_timestamp, event_date, event_type, event_category, event_action, event_outcome,
  actor_type, actor_id, resource_type, resource_id, correlation_id, parent_event_id, parent_event_date, namespace,
  cluster_name, event_data, severity, duration_ms, error_code, error_message, retention_days, is_sensitive,
  recorded_time, recorded_by, event_hash, previous_event_hash, chain_position`;

/** Events as the service prepares them, for the sides that write rows themselves. `correlationId`: of all of them. */
export async function prepareRows(
  count: number,
  source = new EventSource(),
  correlationId?: string,
): Promise<PreparedEvent[]> {
  const intake = await prepareBatch(source.take(count, correlationId), "anonymous");
  return intake.map((entry) => {
    if ("violations" in entry) throw new Error(`the sample breaks a rule: ${JSON.stringify(entry.violations)}`);
    return entry;
  });
}

/** The heads of chains that COPY has written to so far. */
export type Heads = Map<string, { readonly position: number; readonly hash: string }>;

/** The rows that the service would store for these events, as texts for COPY of 1,000 each. */
export function copyTexts(events: readonly PreparedEvent[], heads: Heads = new Map()): Buffer[] {
  const texts: Buffer[] = [];
  for (let from = 0; from < events.length; from += COPY_ROWS) {
    const linked = linkEvents(events.slice(from, from + COPY_ROWS), (correlationId) => heads.get(correlationId));
    for (const [correlationId, head] of linked.heads) heads.set(correlationId, head);
    const rows = linked.arguments.events.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
    texts.push(Buffer.from(`${rows.replaceAll(RECORD_SEPARATOR, "\n")}\n`));
  }
  return texts;
}

/**
 * One COPY for each text, each its own transaction, over one connection of postgres.js. Its stream reports a COPY that the
 * server refuses at the end as done: count the rows afterwards.
 */
export async function copy(sql: Sql, texts: readonly Buffer[]): Promise<void> {
  const command = `COPY audit_events (${COLUMNS}) FROM STDIN (FORMAT text, DELIMITER '${FIELD_SEPARATOR}', NULL '')`;
  for (const text of texts) {
    const stream = await sql.unsafe(command).writable();
    stream.end(text);
    await once(stream, "finish");
  }
}

const BIND = `$1::text::uuid, $2, $3::text::timestamptz, $4::text::date, $5, $6, $7, $8, $9, $10, $11, $12, $13,
  $14::text::uuid, $15::text::date, $16, $17, $18::text::jsonb, $19, $20::text::bigint, $21, $22, $23::text::integer,
  $24::text::boolean, $25::text::timestamptz, $26, $27, $28, $29::text::bigint`;

/** Two statements: the look-up must see what was committed while the lock was waited for. */
const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
const HEAD = `
  SELECT chain_position, event_hash FROM audit_events
  WHERE correlation_id = $1 ORDER BY chain_position DESC LIMIT 1`;

interface Head {
  readonly chain_position: string;
  readonly event_hash: string;
}

/**
 * The plain way to keep a chain: for each event a transaction that locks its correlation, looks up the chain's head and
 * inserts one row. `sql` has one connection, so that the statements follow each other on it. Gives how many were inserted.
 */
export async function insertOneByOne(sql: Sql, events: readonly PreparedEvent[], millis: number): Promise<number> {
  const until = performance.now() + millis;
  const insert = `INSERT INTO audit_events (${COLUMNS}) VALUES (${BIND})`;
  let inserted = 0;
  for (const event of events) {
    if (performance.now() > until) break;
    await sql.unsafe("BEGIN");
    await sql.unsafe(LOCK, [event.correlationId], { prepare: true });
    const [head] = await sql.unsafe<Head[]>(HEAD, [event.correlationId], { prepare: true });
    const position = Number(head?.chain_position ?? 0) + 1;
    const values = event.row.split(FIELD_SEPARATOR).map((value) => (value === "" ? null : value));
    values.push(eventHash(head?.event_hash, event.contentDigest), head?.event_hash ?? null, String(position));
    await sql.unsafe(insert, values, { prepare: true });
    await sql.unsafe("COMMIT");
    inserted++;
  }
  return inserted;
}
