import type { AuditEvent } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { Palette } from "../colour.ts";
import { eventMicros, OUTCOME_NAMES, timeText } from "../events.ts";
import { type Column, Table } from "../table.ts";

/** What a line tells of an event. */
export const EVENT_COLUMNS: readonly Column<AuditEvent>[] = [
  { heading: "TIME (UTC)", value: (event) => timeText(eventMicros(event), 3), worth: 9 },
  { heading: "TYPE", value: (event) => event.eventType, least: 20, worth: 9 },
  {
    heading: "OUTCOME",
    value: ({ eventOutcome }) => OUTCOME_NAMES[eventOutcome] ?? "",
    worth: 9,
    colour: outcomeColour,
  },
  { heading: "CORRELATION", value: (event) => event.correlationId, least: 12, worth: 5 },
  { heading: "ACTOR", value: actorText, least: 8, worth: 3 },
  { heading: "RESOURCE", value: resourceText, least: 10, worth: 2 },
  { heading: "EVENT ID", value: (event) => event.eventId, worth: 4 },
];

/** A service that acts under its own name is known from the event's type. */
function actorText({ actorType, actorId, eventType }: AuditEvent): string {
  return actorType === "service" && eventType.startsWith(`${actorId}.`) ? "" : `${actorType}/${actorId}`;
}

function resourceText({ resourceType, resourceId, correlationId }: AuditEvent): string {
  return resourceType === "RemediationRequest" && resourceId === correlationId ? "" : `${resourceType}/${resourceId}`;
}

function outcomeColour({ eventOutcome }: AuditEvent, colours: Palette): (text: string) => string {
  const name = OUTCOME_NAMES[eventOutcome];
  return name === "failure" ? colours.red : name === "pending" ? colours.yellow : colours.green;
}

/** A table of events, fitted to the first of them. */
export class EventTable extends Table<AuditEvent> {
  constructor(events: readonly AuditEvent[], available: number | undefined, colours: Palette) {
    super(EVENT_COLUMNS, events, available, colours);
  }
}
