import type { JsonObject } from "../../integrity/canonical.ts";
import { arrayText, type Statement } from "../../postgres/statement.ts";
import type { Cursor, EventQuery, Order } from "./query.ts";

/** Keys of the events that the GIN index found, where they were few enough to take them all. */
export interface FoundKeys {
  readonly eventIds: readonly string[];
  readonly eventDates: readonly string[];
}

/** Columns of audit_events that an EventRow has. */
const COLUMNS = `event_id, event_version, event_timestamp, event_date, event_type, event_category, event_action,
  event_outcome, actor_type, actor_id, resource_type, resource_id, correlation_id, parent_event_id, parent_event_date,
  namespace, cluster_name, event_data, event_hash, previous_event_hash, severity, duration_ms, error_code, error_message,
  retention_days, is_sensitive, legal_hold, legal_hold_reason, legal_hold_placed_by, legal_hold_placed_at, chain_position,
  recorded_time, recorded_by`;

const ORDER_BY: Readonly<Record<Order, string>> = {
  "event_timestamp desc": "event_timestamp DESC, event_id DESC",
  event_timestamp: "event_timestamp, event_id",
  chain_position: "chain_position",
};

/** With more types than this the scan by time is as good as one scan for each type. */
const TYPES_SCANNED_APART = 16;

/**
 * The statement for one page.
 *
 * A page is read in two steps. The source is the stream of candidates that one index gives in the order asked for: those
 * of a correlation, of a few event types, of keys that the GIN index found, or simply all by time. What the index does not
 * serve is the remainder, checked row by row, and for it no more than `budget` candidates are looked at: the row that
 * used up the budget comes last with `budget_spent`, whether or not it matches, so that the next page can go on from it.
 */
export function planPage(
  query: EventQuery,
  cursor: Cursor | undefined,
  limit: number,
  budget: number,
  found?: FoundKeys,
): Statement {
  const parameters: string[] = [];
  const bind = (value: string): string => `$${parameters.push(value)}`;
  const bounds = rangeConditions(query, cursor, bind);
  const apart = scannedTypes(query, found);
  const remainder = remainderConditions(query, apart.length > 0, found !== undefined, bind);
  const bounded = remainder.length > 0 && found === undefined;
  const size = bounded ? budget : limit;
  const source = found
    ? foundSource(found, [...bounds, ...remainder], query.order, limit, bind)
    : indexSource(query, apart, bounds, size, bind);
  if (!bounded)
    return {
      text: `SELECT ${selected("true", "false")} FROM (${source}) AS event ORDER BY ${ORDER_BY[query.order]}`,
      parameters,
    };
  const checked = `SELECT event.*, (${remainder.join(" AND ")}) AS matches, row_number() OVER () AS place FROM (${source}) AS event`;
  return {
    text: `SELECT ${selected("matches", `place = ${budget}`)} FROM (${checked}) AS event
      WHERE matches OR place = ${budget} LIMIT ${limit}`,
    parameters,
  };
}

/** The statement for one event by its id: its date comes from the table of ids, so that one partition is opened. */
export function planGet(eventId: string): Statement {
  return {
    text: `SELECT ${selected("true", "false")} FROM audit_events AS event
      WHERE event_id = $1 AND event_date = (SELECT id.event_date FROM audit_event_ids AS id WHERE id.event_id = $1)`,
    parameters: [eventId],
  };
}

/** The statement that asks the GIN index for the keys of the events that contain an object, up to one more than `limit`. */
export function planFind(query: EventQuery, contains: JsonObject, limit: number): Statement {
  const parameters = [
    JSON.stringify(contains),
    dateOf(query.startTime) ?? "-infinity",
    dateOf(query.endTime) ?? "infinity",
  ];
  return {
    text: `SELECT event_id, event_date FROM find_audit_events($1::text::jsonb, $2::text::date, $3::text::date, ${limit + 1})`,
    parameters,
  };
}

/** The same columns as they are read. */
export const COLUMNS_READ: string = COLUMNS.replace("event_data,", "event_data::text AS event_data,");

/** The place of `event` in the log, by the run that it would lie in; NULL until it has one. */
const LOG_INDEX = `(SELECT CASE WHEN event.chain_position < run.first_position + run.event_count
      THEN run.first_log_index + event.chain_position - run.first_position END
    FROM audit_log_runs AS run WHERE run.correlation_id = event.correlation_id AND run.first_position <= event.chain_position
    ORDER BY run.first_position DESC LIMIT 1) AS log_index`;

/** Entries that the latest published checkpoint covers. */
export const PUBLISHED_SIZE = "(SELECT published_size FROM audit_log_state) AS published_size";

function selected(matches: string, budgetSpent: string): string {
  return `${COLUMNS_READ}, ${LOG_INDEX}, ${PUBLISHED_SIZE}, ${matches} AS matches, ${budgetSpent} AS budget_spent`;
}

/** Takes a value into a statement's parameters, and gives the placeholder that stands for it. */
export type Bind = (value: string) => string;

/** What an event must fulfil to be one of the query's; nothing where every event of the correlation, or of all, is. */
export function filterConditions(query: EventQuery, bind: Bind): readonly string[] {
  return [...rangeConditions(query, undefined, bind), ...remainderConditions(query, false, false, bind)];
}

/**
 * Time range and cursor; both also as bounds of event_date, so that months outside of them are not opened. A cursor lies
 * within the range and takes the place of the bound on its side: with both, the planner would count too few rows.
 */
function rangeConditions(query: EventQuery, cursor: Cursor | undefined, bind: Bind): string[] {
  const conditions: string[] = [];
  const moment = (time: string) => `${bind(time)}::timestamptz`;
  // Bound as a date of its own: a constant, by which months are left out while planning.
  const day = (time: string) => `${bind(time.slice(0, 10))}::date`;
  const from = (time: string) => {
    conditions.push(`event_date >= ${day(time)}`, `event_timestamp >= ${moment(time)}`);
  };
  const before = (time: string) => {
    conditions.push(`event_date <= ${day(time)}`, `event_timestamp < ${moment(time)}`);
  };
  const beyond = (at: { timestamp: string; eventId: string }, operator: "<" | ">") => {
    conditions.push(
      `event_date ${operator}= ${day(at.timestamp)}`,
      `(event_timestamp, event_id) ${operator} (${moment(at.timestamp)}, ${bind(at.eventId)}::uuid)`,
    );
  };
  const at = cursor?.timestamp === undefined ? undefined : cursor;
  if (at !== undefined && query.order === "event_timestamp") beyond(at, ">");
  else if (query.startTime !== undefined) from(query.startTime);
  if (at !== undefined && query.order === "event_timestamp desc") beyond(at, "<");
  else if (query.endTime !== undefined) before(query.endTime);
  if (cursor !== undefined && cursor.timestamp === undefined) {
    conditions.push(`chain_position > ${bind(String(cursor.position))}::text::bigint`);
  }
  return conditions;
}

/** The event types that are scanned one by one; none where another index serves, or where a prefix is asked for. */
function scannedTypes(query: EventQuery, found: FoundKeys | undefined): readonly string[] {
  const usable =
    query.correlationId === undefined &&
    found === undefined &&
    query.eventTypePrefixes.length === 0 &&
    query.eventTypes.length <= TYPES_SCANNED_APART;
  return usable ? [...new Set(query.eventTypes)] : [];
}

function indexSource(
  query: EventQuery,
  types: readonly string[],
  bounds: readonly string[],
  size: number,
  bind: Bind,
): string {
  const order = ORDER_BY[query.order];
  const scan = (condition: string[]) =>
    `SELECT ${COLUMNS} FROM audit_events ${where([...condition, ...bounds])} ORDER BY ${order} LIMIT ${size}`;
  if (query.correlationId !== undefined) return scan([`correlation_id = ${bind(query.correlationId)}`]);
  if (types.length === 0) return scan([]);
  const scans = types.map((type) => `(${scan([`event_type = ${bind(type)}`])})`);
  if (scans.length === 1) return scans[0] as string;
  return `${scans.join(" UNION ALL ")} ORDER BY ${order} LIMIT ${size}`;
}

function foundSource(found: FoundKeys, conditions: readonly string[], order: Order, limit: number, bind: Bind): string {
  const keys = `SELECT * FROM unnest(${bind(arrayText(found.eventIds))}::text::uuid[], ${bind(arrayText(found.eventDates))}::text::date[]) AS key (id, day)`;
  return `SELECT ${COLUMNS} FROM (${keys}) AS found JOIN audit_events ON event_id = id AND event_date = day
    ${where(conditions)} ORDER BY ${ORDER_BY[order]} LIMIT ${limit}`;
}

/** What the source's index does not serve. */
function remainderConditions(query: EventQuery, typesServed: boolean, dataServed: boolean, bind: Bind): string[] {
  const conditions: string[] = [];
  const anyOf = (column: string, values: readonly string[]) => {
    if (values.length > 0) conditions.push(`${column} = ANY(${bind(arrayText(values))}::text::text[])`);
  };
  if (!typesServed) {
    const types: string[] = [];
    if (query.eventTypes.length > 0) types.push(`event_type = ANY(${bind(arrayText(query.eventTypes))}::text::text[])`);
    for (const prefix of query.eventTypePrefixes) types.push(`starts_with(event_type, ${bind(prefix)})`);
    if (types.length > 0) conditions.push(`(${types.join(" OR ")})`);
  }
  anyOf("event_category", query.eventCategories);
  anyOf("event_outcome", query.eventOutcomes);
  anyOf("severity", query.severities);
  for (const [column, value] of Object.entries(query.exact)) conditions.push(`${column} = ${bind(value)}`);
  if (query.contains && !dataServed)
    conditions.push(`event_data @> ${bind(JSON.stringify(query.contains))}::text::jsonb`);
  // A column may be NULL, and then it does not match.
  return conditions.map((condition) => `(${condition}) IS TRUE`);
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
}

function dateOf(time: string | undefined): string | undefined {
  return time?.slice(0, 10);
}
