import { arrayText, type Statement } from "../../postgres/statement.ts";
import { type Bind, COLUMNS_READ, filterConditions, PUBLISHED_SIZE } from "./plan.ts";
import type { EventQuery } from "./query.ts";
import type { RunPart } from "./run_parts.ts";

const RUN_COLUMNS =
  "first_log_index, event_count, correlation_id, first_position, first_date, last_date, encode(salt, 'hex') AS salt";

/** The runs that hold the places of the log from `from` on, before `end`, in their order. */
export function planRuns(from: number, end: number, limit: number): Statement {
  return {
    text: `SELECT ${RUN_COLUMNS} FROM audit_log_runs
      WHERE first_log_index >= coalesce((SELECT max(run.first_log_index) FROM audit_log_runs AS run
          WHERE run.first_log_index <= $1::text::bigint), 0)
        AND first_log_index < $2::text::bigint
      ORDER BY first_log_index LIMIT ${limit}`,
    parameters: [String(from), String(end)],
  };
}

/**
 * The runs of a chain behind a place of it that hold places of the log from `from` on, before `end`, in their order. Behind none of
 * it, those before `from` are passed over from the chain's end: who follows a chain asks for its last ones.
 */
export function planRunsOfChain(
  correlationId: string,
  behindPosition: number,
  from: number,
  end: number,
  limit: number,
): Statement {
  const floor = `coalesce((SELECT run.first_position FROM audit_log_runs AS run
    WHERE run.correlation_id = $1 AND run.first_log_index <= $3::text::bigint ORDER BY run.first_position DESC LIMIT 1), 0)`;
  return {
    text: `SELECT ${RUN_COLUMNS} FROM audit_log_runs
      WHERE correlation_id = $1 AND first_position > $2::text::bigint
        ${behindPosition === 0 && from > 0 ? `AND first_position >= ${floor}` : ""}
        AND first_log_index + event_count > $3::text::bigint AND first_log_index < $4::text::bigint
      ORDER BY first_position LIMIT ${limit}`,
    parameters: [correlationId, String(behindPosition), String(from), String(end)],
  };
}

/** The columns of an EventRow without its place in the log. */
const EVENT_COLUMNS = `${COLUMNS_READ}, ${PUBLISHED_SIZE}, true AS matches, false AS budget_spent`;

/**
 * The events of parts of runs that match, in the order of the log, with their places in it. For each part it walks along the index
 * of its chain, in the partitions of its dates; the dates of all parts together leave out other months while planning.
 * `columns`: SQL over audit_events, chain_position among them.
 */
export function planEvents(
  parts: readonly RunPart[],
  query: EventQuery,
  limit: number,
  columns: string = EVENT_COLUMNS,
): Statement {
  const parameters: string[] = [];
  const bind = (value: string): string => `$${parameters.push(value)}`;
  const { source, within } = joined(parts, bind);
  const matching = filterConditions(query, bind);
  return {
    text: `SELECT event.*, part.index_before + event.chain_position AS log_index, part.run_salt
      FROM ${source} CROSS JOIN LATERAL (
        SELECT ${columns} FROM audit_events WHERE ${[...within, ...matching].join(" AND ")} ORDER BY chain_position OFFSET 0
      ) AS event
      ORDER BY part.place LIMIT ${bind(String(limit))}::text::bigint`,
    parameters,
    prepare: matching.length === 0,
  };
}

/** What a look at parts tells of those that have matches, or of whose events some are missing. */
export interface Sight {
  /** The part's place among those asked for, from 1. */
  readonly place: string;
  /** How many events match. */
  readonly matching: string;
  /** PostgreSQL's text of the chain positions that are there; null where none is missing. */
  readonly present: string | null;
}

/** Which parts of runs have events that match, and which have lost some. Nothing of other parts is told. */
export function planSight(parts: readonly RunPart[], query: EventQuery): Statement {
  const parameters: string[] = [];
  const bind = (value: string): string => `$${parameters.push(value)}`;
  const { source, within } = joined(parts, bind);
  const matching = filterConditions(query, bind).join(" AND ");
  return {
    text: `SELECT part.place, seen.matching,
        CASE WHEN seen.present < part.event_count THEN coalesce(seen.positions, '{}')::text END AS present
      FROM ${source} CROSS JOIN LATERAL (
        SELECT count(*) AS present, count(*) FILTER (WHERE ${matching}) AS matching,
          array_agg(chain_position ORDER BY chain_position) AS positions
        FROM audit_events WHERE ${within.join(" AND ")}
      ) AS seen
      WHERE seen.matching > 0 OR seen.present < part.event_count
      ORDER BY part.place`,
    parameters,
    prepare: false,
  };
}

/** The parts as a relation `part`, and what holds of the rows of audit_events that belong to one. */
function joined(parts: readonly RunPart[], bind: Bind): { source: string; within: readonly string[] } {
  const numbers = (values: (part: RunPart) => number) => `${bind(`{${parts.map(values).join()}}`)}::text::bigint[]`;
  const texts = (values: (part: RunPart) => string) => bind(arrayText(parts.map(values)));
  const days = (values: (part: RunPart) => string) => `${bind(`{${parts.map(values).join()}}`)}::text::date[]`;
  const columns = [
    `${texts((part) => part.correlationId)}::text::text[]`,
    numbers((part) => part.firstPosition),
    numbers((part) => part.eventCount),
    numbers((part) => part.firstIndex - part.firstPosition),
    days((part) => part.firstDate),
    days((part) => part.lastDate),
    `${texts((part) => part.runSalt)}::text::text[]`,
  ];
  const earliest = parts.map((part) => part.firstDate).sort()[0] as string;
  const latest = parts
    .map((part) => part.lastDate)
    .sort()
    .at(-1) as string;
  return {
    source: `unnest(${columns.join(", ")}) WITH ORDINALITY
      AS part (correlation_id, first_position, event_count, index_before, first_date, last_date, run_salt, place)`,
    within: [
      "correlation_id = part.correlation_id",
      "chain_position >= part.first_position",
      "chain_position < part.first_position + part.event_count",
      "event_date BETWEEN part.first_date AND part.last_date",
      `event_date BETWEEN ${bind(earliest)}::text::date AND ${bind(latest)}::text::date`,
    ],
  };
}
