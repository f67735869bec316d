import { eventHash, saltedDigest } from "../../integrity/event_digest.ts";
import { escapeField, FIELD_SEPARATOR, type PreparedEvent, RECORD_SEPARATOR } from "../prepare.ts";

/** The last event of a chain. */
export interface Head {
  readonly position: number;
  readonly hash: string;
}

/** The place of an event in its chain. */
export interface Place {
  readonly position: number;
  readonly hash: string;
}

/** Events with their places, and the arguments of append_audit_events that store them. */
export interface LinkedEvents {
  /** In the order of the events. */
  readonly places: readonly Place[];
  /** The chains' heads afterwards. */
  readonly heads: ReadonlyMap<string, Head>;
  readonly arguments: {
    heads: string;
    headCount: number;
    ids: string;
    events: string;
    eventCount: number;
    escaped: boolean;
  };
}

/** Gives each event the next place in its chain. `headOf` tells a chain's head; undefined where there is no chain yet. */
export function linkEvents(
  events: readonly PreparedEvent[],
  headOf: (correlationId: string) => Head | undefined,
): LinkedEvents {
  const before = new Map<string, Head | undefined>();
  const heads = new Map<string, Head>();
  const places: Place[] = [];
  const rows: string[] = [];
  for (const event of events) {
    if (!before.has(event.correlationId)) before.set(event.correlationId, headOf(event.correlationId));
    const previous = heads.get(event.correlationId) ?? before.get(event.correlationId);
    const place = {
      position: (previous?.position ?? 0) + 1,
      hash: eventHash(previous?.hash, event.contentDigest),
    };
    heads.set(event.correlationId, place);
    places.push(place);
    rows.push(
      `${event.row}${FIELD_SEPARATOR}${place.hash}${FIELD_SEPARATOR}${previous?.hash ?? ""}${FIELD_SEPARATOR}${place.position}`,
    );
  }
  const escaped = events.some((event) => event.escaped);
  return {
    places,
    heads,
    arguments: {
      heads: headRecords(before, heads, escaped),
      headCount: heads.size,
      ids: idRecords(events, places),
      events: rows.join(RECORD_SEPARATOR),
      eventCount: events.length,
      escaped,
    },
  };
}

function headRecords(
  before: ReadonlyMap<string, Head | undefined>,
  heads: ReadonlyMap<string, Head>,
  escaped: boolean,
): string {
  return [...heads.keys()]
    .sort()
    .map((correlationId) => {
      const head = heads.get(correlationId) as Head;
      const id = escaped ? escapeField(correlationId) : correlationId;
      return [id, before.get(correlationId)?.hash ?? "", head.position, head.hash].join(FIELD_SEPARATOR);
    })
    .join(RECORD_SEPARATOR);
}

function idRecords(events: readonly PreparedEvent[], places: readonly Place[]): string {
  return events
    .map((event, index) =>
      [
        event.eventId,
        event.eventDate,
        (places[index] as Place).position,
        event.salt,
        storedSubmissionDigest(event),
      ].join(FIELD_SEPARATOR),
    )
    .sort()
    .join(RECORD_SEPARATOR);
}

function storedSubmissionDigest(event: PreparedEvent): string {
  return saltedDigest(event.salt, "submission", event.submissionDigest);
}
