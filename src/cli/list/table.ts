import type { AuditEvent } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { Palette } from "../colour.ts";
import { eventMicros, OUTCOME_NAMES, timeText } from "../events.ts";
import { cut, pad, printable, width } from "../text.ts";

interface Column {
  readonly heading: string;
  readonly value: (event: AuditEvent) => string;
  /** Columns that it needs to be of use; narrower, and it is left out. Absent: its text is never cut. */
  readonly least?: number;
  /** Columns with a smaller number are the first to be left out. */
  readonly worth: number;
}

const SPACE = "  ";

const COLUMNS: readonly Column[] = [
  { heading: "TIME (UTC)", value: (event) => timeText(eventMicros(event), 3), worth: 9 },
  { heading: "TYPE", value: (event) => event.eventType, least: 20, worth: 9 },
  { heading: "OUTCOME", value: ({ eventOutcome }) => OUTCOME_NAMES[eventOutcome] ?? "", worth: 9 },
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

/** A table of events whose columns stay where the first page put them. */
export class EventTable {
  readonly #columns: readonly { readonly column: Column; readonly width: number }[];
  readonly #colours: Palette;

  /**
   * Fits the columns to the first events. `available`: columns of the terminal; undefined lets lines be as long as they get.
   * Columns that say nothing about any of these events are left out.
   */
  constructor(events: readonly AuditEvent[], available: number | undefined, colours: Palette) {
    this.#colours = colours;
    this.#columns = fitted(events, available);
  }

  heading(): string {
    return this.#line((column) => column.heading, this.#colours.bold);
  }

  row(event: AuditEvent): string {
    return this.#line((column) => printable(column.value(event)), undefined, event);
  }

  #line(text: (column: Column) => string, style?: (text: string) => string, event?: AuditEvent): string {
    const cells = this.#columns.map(({ column, width: columns }, index) => {
      const cell = column.least === undefined ? text(column) : cut(text(column), columns);
      const padded = index === this.#columns.length - 1 ? cell : pad(cell, columns);
      if (style !== undefined) return style(padded);
      return column.heading === "OUTCOME" && event !== undefined ? outcomeColour(event, this.#colours)(padded) : padded;
    });
    return cells.join(SPACE).trimEnd();
  }
}

function outcomeColour({ eventOutcome }: AuditEvent, colours: Palette): (text: string) => string {
  const name = OUTCOME_NAMES[eventOutcome];
  return name === "failure" ? colours.red : name === "pending" ? colours.yellow : colours.green;
}

function fitted(events: readonly AuditEvent[], available: number | undefined) {
  let columns = COLUMNS.filter(({ value }) => events.length === 0 || events.some((event) => value(event) !== "")).map(
    (column) => ({
      column,
      width: Math.max(width(column.heading), ...events.map((event) => width(printable(column.value(event))))),
    }),
  );
  if (available === undefined) return columns;
  const leastWidth = ({ column, width: wanted }: (typeof columns)[number]) => Math.min(column.least ?? wanted, wanted);
  const total = (of: (one: (typeof columns)[number]) => number) =>
    columns.reduce((sum, one) => sum + of(one), SPACE.length * (columns.length - 1));
  while (total(leastWidth) > available && columns.length > 3) {
    const least = columns.reduce((a, b) => (b.column.worth < a.column.worth ? b : a));
    columns = columns.filter((one) => one !== least);
  }
  // What is left of the line is shared out: the widest column that can be cut gives first.
  for (let over = total(({ width: wanted }) => wanted) - available; over > 0; over--) {
    const widest = columns.filter((one) => one.width > leastWidth(one)).sort((a, b) => b.width - a.width)[0];
    if (widest === undefined) break;
    widest.width -= 1;
  }
  return columns;
}
