import type { Database } from "../../postgres/database.ts";
import { readRows } from "../../postgres/read.ts";

/** What of an event its entry in the log is made from. */
export interface ChainedEvent {
  readonly event_id: string;
  readonly correlation_id: string;
  /** In decimal. */
  readonly chain_position: string;
  /** In hex. */
  readonly event_hash: string;
}

const COLUMNS = "event.event_id, event.correlation_id, event.chain_position, event.event_hash";

/** One event by its id, in lower case. @throws Fault `unavailable`; the reason of `signal`. */
export async function eventById(
  database: Database,
  eventId: string,
  signal: AbortSignal,
): Promise<ChainedEvent | undefined> {
  const text = `SELECT ${COLUMNS} FROM audit_events AS event
    WHERE event_id = $1 AND event_date = (SELECT id.event_date FROM audit_event_ids AS id WHERE id.event_id = $1)`;
  const [event] = await readRows<ChainedEvent>(database, { text, parameters: [eventId] }, signal);
  return event;
}

/** The event at a place of a chain, which lies between two dates (YYYY-MM-DD). @throws as eventById. */
export async function eventAtPlace(
  database: Database,
  place: {
    readonly correlationId: string;
    readonly position: number;
    readonly firstDate: string;
    readonly lastDate: string;
  },
  signal: AbortSignal,
): Promise<ChainedEvent | undefined> {
  const text = `SELECT ${COLUMNS} FROM audit_events AS event
    WHERE correlation_id = $1 AND chain_position = $2::text::bigint
      AND event_date BETWEEN $3::text::date AND $4::text::date`;
  const parameters = [place.correlationId, String(place.position), place.firstDate, place.lastDate];
  const [event] = await readRows<ChainedEvent>(database, { text, parameters }, signal);
  return event;
}
