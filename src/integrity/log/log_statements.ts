import type { Sql } from "../../postgres/pool.ts";
import type { PendingRow } from "./pending.ts";
import { numbersText, type StateRow, stateStatement } from "./reader_statements.ts";
import type { Piece, TilePiece } from "./tree_edge.ts";

/** What the sequencer sees whenever it looks. */
export interface Look {
  /** The server's process behind the connection: another one has none of its locks. */
  readonly pid: number;
  /** Whether this connection has the lock of the log. */
  readonly holding: boolean;
  readonly size: number;
  /** Hex. */
  readonly root: string;
  readonly publishedSize: number;
  /** Whether something has no index yet. */
  readonly pending: boolean;
}

/** Looks how things stand, and takes the lock of the log where it is free and process `heldBy` of the server does not have it. */
export async function look(sql: Sql, heldBy: number | undefined): Promise<Look> {
  const [row] = await sql.unsafe<LookRow[]>(
    `SELECT pg_backend_pid() AS pid, encode(root, 'hex') AS root, size, published_size,
       CASE WHEN pg_backend_pid() = $1::text::integer THEN true
         ELSE pg_try_advisory_lock(hashtextextended('kubernaut datastorage log', 0)) END AS holding,
       (SELECT pending_id FROM audit_log_pending ORDER BY pending_id LIMIT 1) IS NOT NULL AS pending
     FROM audit_log_state`,
    [String(heldBy ?? 0)],
    { prepare: true },
  );
  if (row === undefined) throw new Error("audit_log_state holds no row: the tables of the log were restored in part");
  return { ...row, size: Number(row.size), publishedSize: Number(row.published_size) };
}

interface LookRow {
  readonly pid: number;
  readonly root: string;
  readonly size: string;
  readonly published_size: string;
  readonly holding: boolean;
  readonly pending: boolean;
}

/** How far the log has come; none while nobody has made its row. */
export async function readState(sql: Sql): Promise<StateRow | undefined> {
  const [row] = await sql.unsafe<StateRow[]>(stateStatement().text, [], { prepare: true });
  return row;
}

/** What the gauges of the log tell that is not told by a look. */
export interface Backlog {
  readonly pendingEvents: number;
  /** Age in seconds of the oldest event without an index; 0 where there is none. */
  readonly oldestPendingS: number;
  /** Age in seconds of the oldest transaction that this role may see; 0 where there is none. */
  readonly oldestTransactionS: number;
}

/** Reads every pending row, without its hashes. */
export async function readBacklog(sql: Sql): Promise<Backlog> {
  const [row] = await sql.unsafe<{ events: string; oldest: number; transaction: number }[]>(
    `SELECT coalesce(sum(event_count), 0) AS events,
       coalesce(extract(epoch FROM clock_timestamp() - min(recorded_time)), 0)::float8 AS oldest,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend') AS transaction
     FROM audit_log_pending`,
    [],
    { prepare: true },
  );
  const { events = "0", oldest = 0, transaction = 0 } = row ?? {};
  const past = (seconds: number) => Math.max(0, seconds);
  return { pendingEvents: Number(events), oldestPendingS: past(oldest), oldestTransactionS: past(transaction) };
}

/**
 * What was recorded first and has no index: rows of some `events` events, at least one, without those `aside`. Any row that is
 * committed is found, however late its transaction was.
 */
export async function readPending(sql: Sql, events: number, aside: Iterable<string>): Promise<PendingRow[]> {
  const rows = await sql.unsafe<PendingTableRow[]>(
    `SELECT pending_id, correlation_id, first_position, event_count, encode(event_hashes, 'hex') AS event_hashes,
       coalesce((SELECT run.first_position + run.event_count FROM audit_log_runs AS run
         WHERE run.correlation_id = pending.correlation_id ORDER BY run.first_position DESC LIMIT 1), 1) AS expected
     FROM (
       SELECT *, sum(event_count) OVER (ORDER BY pending_id ROWS UNBOUNDED PRECEDING) AS ending
       FROM (
         SELECT * FROM audit_log_pending WHERE pending_id <> ALL ($2::text::bigint[]) ORDER BY pending_id LIMIT $1::text::integer
       ) AS oldest
     ) AS pending
     WHERE ending - event_count < $1::text::integer
     ORDER BY pending_id`,
    [String(events), numbersText([...aside])],
    { prepare: true },
  );
  return rows.map((row) => ({
    pendingId: row.pending_id,
    correlationId: row.correlation_id,
    firstPosition: Number(row.first_position),
    eventCount: row.event_count,
    eventHashes: row.event_hashes,
    expectedPosition: Number(row.expected),
  }));
}

interface PendingTableRow {
  readonly pending_id: string;
  readonly correlation_id: string;
  readonly first_position: string;
  readonly event_count: number;
  readonly event_hashes: string;
  readonly expected: string;
}

/** What makes the log longer; advance_audit_log in migrations/ says what each means. */
export interface Advance {
  readonly expectedSize: number;
  readonly newSize: number;
  readonly newRoot: Buffer;
  readonly pendingIds: readonly string[];
  readonly firstLogIndexes: readonly number[];
  /** Hex, 32 digits for each of pendingIds. */
  readonly salts: readonly string[];
  readonly tiles: readonly TilePiece[];
  readonly bundles: readonly Piece[];
}

/** Gives an index to what is pending. */
export async function advance(sql: Sql, step: Advance): Promise<"advanced" | "stale"> {
  const { tiles, bundles } = step;
  const [row] = await sql.unsafe<{ answer: "advanced" | "stale" }[]>(
    `SELECT advance_audit_log($1::text::bigint, $2::text::bigint, $3::text::bytea,
       $4::text::bigint[], $5::text::bigint[], $6::text::bytea,
       $7::text::smallint[], $8::text::bigint[], $9::text::integer[], $10::text::bytea,
       $11::text::bigint[], $12::text::integer[], $13::text::bytea) AS answer`,
    [
      String(step.expectedSize),
      String(step.newSize),
      bytesText([step.newRoot]),
      numbersText(step.pendingIds),
      numbersText(step.firstLogIndexes),
      `\\x${step.salts.join("")}`,
      numbersText(tiles.map(({ level }) => level)),
      numbersText(tiles.map(({ index }) => index)),
      numbersText(tiles.map(hashesOf)),
      bytesText(tiles.map(({ bytes }) => bytes)),
      numbersText(bundles.map(({ index }) => index)),
      numbersText(bundles.map(hashesOf)),
      bytesText(bundles.map(({ bytes }) => bytes)),
    ],
    { prepare: true },
  );
  if (row === undefined) throw new Error("advance_audit_log gave no answer");
  return row.answer;
}

function hashesOf({ bytes }: Piece): number {
  return bytes.length / 32;
}

/** Bytes as PostgreSQL writes them in hex. */
function bytesText(parts: readonly Buffer[]): string {
  return `\\x${parts.map((part) => part.toString("hex")).join("")}`;
}

/** How large the log is, and the server's process behind the connection. */
export async function readSize(sql: Sql): Promise<{ size: number; pid: number }> {
  const [row] = await sql.unsafe<{ size: string; pid: number }[]>(
    "SELECT size, pg_backend_pid() AS pid FROM audit_log_state",
    [],
    { prepare: true },
  );
  if (row === undefined) throw new Error("audit_log_state holds no row");
  return { size: Number(row.size), pid: row.pid };
}

/** Has the connection hear of it when the log grows. */
export async function listen(sql: Sql): Promise<void> {
  await sql.unsafe("LISTEN audit_log");
}
