import type { Statement } from "../../postgres/statement.ts";

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** How far the log has come: one row, or none while there is no schema. */
export function stateStatement(): Statement {
  return {
    text: `
      SELECT size, encode(root, 'hex') AS root, published_size, published_note, signed_size,
        to_char(published_time AT TIME ZONE 'UTC', ${ISO}) AS published_time,
        (SELECT origin FROM audit_log_origins ORDER BY number DESC LIMIT 1) AS origin
      FROM audit_log_state`,
    parameters: [],
  };
}

export interface StateRow {
  readonly size: string;
  readonly root: string;
  readonly origin: string | null;
  readonly published_size: string;
  readonly published_note: string | null;
  readonly published_time: string | null;
  readonly signed_size: string;
}

/** Events without an index. */
export function pendingStatement(): Statement {
  return { text: "SELECT coalesce(sum(event_count), 0) AS events FROM audit_log_pending", parameters: [] };
}

/** The last that was recorded so far and has no index yet. */
export function lastPendingStatement(): Statement {
  return { text: "SELECT max(pending_id) AS pending_id FROM audit_log_pending", parameters: [] };
}

/** Whether something is pending up to an id, and how far the log and what is published of it have come. */
export function pendingUpToStatement(pendingId: string): Statement {
  return {
    text: `
      SELECT EXISTS (SELECT FROM audit_log_pending WHERE pending_id <= $1::text::bigint) AS pending, size, published_size
      FROM audit_log_state`,
    parameters: [pendingId],
  };
}

const RUN = `
  SELECT first_log_index, event_count, correlation_id, first_position, first_date::text AS first_date,
    last_date::text AS last_date, encode(salt, 'hex') AS salt
  FROM audit_log_runs`;

export interface RunRow {
  readonly first_log_index: string;
  readonly event_count: number;
  readonly correlation_id: string;
  readonly first_position: string;
  readonly first_date: string;
  readonly last_date: string;
  readonly salt: string;
}

/** The last run that begins at or before an index. */
export function runAtStatement(logIndex: number): Statement {
  return {
    text: `${RUN} WHERE first_log_index <= $1::text::bigint ORDER BY first_log_index DESC LIMIT 1`,
    parameters: [String(logIndex)],
  };
}

/** The last run of a chain that begins at or before a place. */
export function runOfStatement(correlationId: string, position: number): Statement {
  return {
    text: `${RUN}
      WHERE correlation_id = $1::text AND first_position <= $2::text::bigint ORDER BY first_position DESC LIMIT 1`,
    parameters: [correlationId, String(position)],
  };
}

/** Every key that has signed, the earliest first. */
export function keysStatement(): Statement {
  return {
    text: `
      SELECT verifier_key, purpose, to_char(first_used_time AT TIME ZONE 'UTC', ${ISO}) AS first_used_time,
        to_char(last_used_time AT TIME ZONE 'UTC', ${ISO}) AS last_used_time
      FROM audit_log_keys ORDER BY audit_log_keys.first_used_time, verifier_key`,
    parameters: [],
  };
}

export interface KeyRow {
  readonly verifier_key: string;
  readonly purpose: "log" | "cosigner" | "export";
  readonly first_used_time: string;
  readonly last_used_time: string;
}

/** These tiles, those of them that are there. */
export function tilesStatement(ids: readonly { readonly level: number; readonly index: number }[]): Statement {
  return {
    text: `
      SELECT level, tile_index, hashes
      FROM unnest($1::text::smallint[], $2::text::bigint[]) AS wanted (level, tile_index)
      JOIN audit_log_tiles USING (level, tile_index)`,
    parameters: [numbersText(ids.map(({ level }) => level)), numbersText(ids.map(({ index }) => index))],
  };
}

/** These bundles of entries, those of them that are there. */
export function bundlesStatement(indexes: readonly number[]): Statement {
  return {
    text: `
      SELECT bundle_index, entries
      FROM unnest($1::text::bigint[]) AS wanted (bundle_index) JOIN audit_log_entries USING (bundle_index)`,
    parameters: [numbersText(indexes)],
  };
}

/** Numbers as PostgreSQL's array literal. */
export function numbersText(values: readonly (number | string)[]): string {
  return `{${values.join(",")}}`;
}
