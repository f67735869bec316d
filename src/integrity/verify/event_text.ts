import type { Snapshot } from "../../postgres/snapshot.ts";
import type { LinkRow } from "../chain_link.ts";

/** The SQL expression of an event, over `event` and `id` as below, as a JSON object in one text. */
const EVENT_JSON = `(SELECT row_to_json(whole) FROM (SELECT
      event.event_id, event.event_version, event.event_timestamp::text AS event_timestamp, event.event_date,
      event.event_type, event.event_category, event.event_action, event.event_outcome, event.actor_type, event.actor_id,
      event.resource_type, event.resource_id, event.correlation_id, event.event_data::text AS event_data,
      event.retention_days, event.is_sensitive, event.recorded_time::text AS recorded_time, event.recorded_by,
      event.event_hash, event.chain_position::text AS chain_position, event.parent_event_id, event.parent_event_date,
      event.namespace, event.cluster_name, event.severity, event.duration_ms::text AS duration_ms, event.error_code,
      event.error_message, event.previous_event_hash, encode(id.salt, 'hex') AS salt
    ) AS whole)::text`;

/**
 * The SQL expression of a whole event as one text, over `event` (a row of audit_events) and `id` (its row of
 * audit_event_ids): 30 columns cost five times the time of one text when they are taken apart. Its fields stand in the order
 * of readFields with U+001F in between, and a `v` before each that can be null (`n`). Where a field is null against the schema, the
 * event comes as a JSON object instead. Where one holds U+001F there are too many: to look for it here would cost half as much again.
 */
const EVENT_TEXT = `CASE
    WHEN num_nulls(
      event.event_id, event.event_date, event.event_version, event.event_timestamp, event.event_type, event.event_category,
      event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
      event.correlation_id, event.event_data, event.retention_days, event.is_sensitive, event.recorded_time,
      event.recorded_by, event.event_hash, event.chain_position
    ) = 0
    THEN concat_ws(E'\\x1f',
      event.event_id, event.event_date, event.event_version, event.event_timestamp, event.event_type, event.event_category,
      event.event_action, event.event_outcome, event.actor_type, event.actor_id, event.resource_type, event.resource_id,
      event.correlation_id, event.event_data, event.retention_days, event.is_sensitive, event.recorded_time,
      event.recorded_by, event.event_hash, event.chain_position,
      coalesce('v' || event.parent_event_id, 'n'), coalesce('v' || event.parent_event_date, 'n'),
      coalesce('v' || event.namespace, 'n'), coalesce('v' || event.cluster_name, 'n'), coalesce('v' || event.severity, 'n'),
      coalesce('v' || event.duration_ms, 'n'), coalesce('v' || event.error_code, 'n'),
      coalesce('v' || event.error_message, 'n'), coalesce('v' || event.previous_event_hash, 'n'),
      coalesce('v' || encode(id.salt, 'hex'), 'n'))
    ELSE ${EVENT_JSON}
  END`;

/** What readEvents reads: every event with its salt, for a WHERE and an ORDER BY. */
export const SELECT_EVENTS = `SELECT ${EVENT_TEXT} AS text
  FROM audit_events AS event
  LEFT JOIN audit_event_ids AS id ON id.event_id = event.event_id`;

/** Events by their ids $1 and dates $2, as JSON. */
const EVENTS_AS_JSON = `SELECT ${EVENT_JSON} AS text
  FROM unnest($1::text::uuid[], $2::text::date[]) AS wanted (event_id, event_date)
  JOIN audit_events AS event ON event.event_id = wanted.event_id AND event.event_date = wanted.event_date
  LEFT JOIN audit_event_ids AS id ON id.event_id = event.event_id`;

/** An event, or the promise of one that must be read once more. */
export type ReadEvent = LinkRow | Promise<LinkRow>;

/** Where events are read from. */
type Source = Pick<Snapshot, "texts" | "all">;

/** The events of a statement that begins with SELECT_EVENTS, in its order, page by page. Each page is to be gone through once. */
export async function* readEvents(
  source: Source,
  statement: string,
  values: readonly (string | null)[],
): AsyncGenerator<Iterable<ReadEvent>> {
  for await (const page of source.texts(statement, values)) yield eventsOf(source, page);
}

/** Makes each event when it is asked for: rows that wait for their turn cost the collector of garbage more than all else. */
function* eventsOf(source: Source, page: readonly string[]): Generator<ReadEvent, undefined> {
  let json: Promise<ReadonlyMap<string, string>> | undefined;
  for (const [place, text] of page.entries()) {
    if (text.startsWith("{")) yield JSON.parse(text) as LinkRow;
    else {
      const fields = text.split(SEPARATOR);
      if (fields.length === FIELDS) yield readFields(fields as unknown as Fields);
      else {
        json ??= asJson(source, page.slice(place));
        yield json.then((texts) => JSON.parse(texts.get(keyOf(fields)) as string) as LinkRow);
      }
    }
  }
  return undefined;
}

/** Those of the texts that have too many fields, as JSON by keyOf. Of each only id and date, which come first, are sure. */
async function asJson(source: Source, texts: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const events = texts.map((text) => text.split(SEPARATOR)).filter(({ length }) => length > FIELDS);
  const list = (place: number) => `{${events.map((fields) => fields[place]).join(",")}}`;
  const rows = await source.all<{ text: string }>(EVENTS_AS_JSON, [list(0), list(1)]);
  return new Map(
    rows.map(({ text }) => {
      const { event_id, event_date } = JSON.parse(text) as LinkRow;
      return [keyOf([event_id, event_date]), text];
    }),
  );
}

function keyOf([eventId, eventDate]: readonly string[]): string {
  return `${eventId} ${eventDate}`;
}

const SEPARATOR = "\u001f";

/** Fields of a text: what EVENT_TEXT puts in it. */
const FIELDS = 30;

function readFields(fields: Fields): LinkRow {
  return {
    event_id: fields[0],
    event_date: fields[1],
    event_version: fields[2],
    event_timestamp: fields[3],
    event_type: fields[4],
    event_category: fields[5],
    event_action: fields[6],
    event_outcome: fields[7],
    actor_type: fields[8],
    actor_id: fields[9],
    resource_type: fields[10],
    resource_id: fields[11],
    correlation_id: fields[12],
    event_data: fields[13],
    retention_days: Number(fields[14]),
    is_sensitive: fields[15] === "t",
    recorded_time: fields[16],
    recorded_by: fields[17],
    event_hash: fields[18],
    chain_position: fields[19],
    parent_event_id: nullable(fields[20]),
    parent_event_date: nullable(fields[21]),
    namespace: nullable(fields[22]),
    cluster_name: nullable(fields[23]),
    severity: nullable(fields[24]),
    duration_ms: nullable(fields[25]),
    error_code: nullable(fields[26]),
    error_message: nullable(fields[27]),
    previous_event_hash: nullable(fields[28]),
    salt: nullable(fields[29]),
  };
}

function nullable(field: string): string | null {
  return field === "n" ? null : field.slice(1);
}

type Ten = [string, string, string, string, string, string, string, string, string, string];
type Fields = [...Ten, ...Ten, ...Ten];
