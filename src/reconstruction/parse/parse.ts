import { instantText } from "../../audit/timestamp.ts";
import type { Json } from "../../integrity/canonical.ts";
import { isLater } from "../facts/field_map.ts";
import { atOnce, type Steps } from "../steps.ts";
import type { AsOf, ParsedEvent, ParsedTrace, TraceRow, TraceWarning } from "../trace.ts";
import { isObject, readPayload } from "./payload.ts";

/** Warnings that are told one by one; those beyond are told as a number. */
const WARNINGS_TOLD = 200;

/**
 * The second stage: rows to events, by (event_timestamp, chain_position). Rows after the moment asked for are left out. An
 * event that cannot be read is a warning, and so is a member of a payload that is of another type than it should be.
 */
export function parseTrace(correlationId: string, rows: readonly TraceRow[], asOf?: AsOf): ParsedTrace {
  return atOnce(parsing(correlationId, rows, asOf));
}

/** parseTrace, row by row. */
export function* parsing(correlationId: string, rows: readonly TraceRow[], asOf?: AsOf): Steps<ParsedTrace> {
  const events: ParsedEvent[] = [];
  const payloads = new Map<TraceRow, Json>();
  const warnings: TraceWarning[] = [];
  let count = 0;
  let lastPosition = 0;
  for (const row of rows) {
    yield;
    if (asOf !== undefined && !isUpTo(row, asOf)) continue;
    count++;
    lastPosition = Math.max(lastPosition, Number(row.chain_position));
    try {
      const payload = JSON.parse(row.event_data) as Json;
      payloads.set(row, payload);
      events.push(parseEvent(row, payload, warnings));
    } catch (error) {
      warnings.push(unreadable(row, error));
    }
  }
  events.sort((left, right) => Number(isLater(left, right)) - Number(isLater(right, left)));
  return { correlationId, rows: count, lastPosition, events, payloads, warnings: limited(warnings) };
}

/** Whether an event counts at a moment. One whose time cannot be read always does. */
export function isUpTo(row: TraceRow, asOf: AsOf): boolean {
  if ("position" in asOf) return Number(row.chain_position) <= asOf.position;
  try {
    return instantText(row.event_timestamp) <= asOf.time;
  } catch {
    return true;
  }
}

function parseEvent(row: TraceRow, value: Json, warnings: TraceWarning[]): ParsedEvent {
  if (!isObject(value)) throw new SyntaxError("event_data must be a JSON object");
  const { payload, data } = readPayload(row.event_type, value, (name, must) => {
    const message = `event_data.${name} ${must}`;
    warnings.push({ eventId: row.event_id, eventType: row.event_type, reason: "FIELD_NOT_PARSEABLE", message });
  });
  return {
    eventId: row.event_id,
    type: row.event_type,
    timestamp: instantText(row.event_timestamp),
    position: Number(row.chain_position),
    outcome: row.event_outcome,
    actorType: row.actor_type,
    actorId: row.actor_id,
    ...(row.namespace === null ? {} : { namespace: row.namespace }),
    ...(row.cluster_name === null ? {} : { clusterName: row.cluster_name }),
    payload,
    data: data,
  };
}

function unreadable(row: TraceRow, error: unknown): TraceWarning {
  const message = error instanceof Error ? error.message.slice(0, 200) : "no event";
  return { eventId: row.event_id, eventType: row.event_type, reason: "EVENT_NOT_PARSEABLE", message };
}

function limited(warnings: TraceWarning[]): TraceWarning[] {
  const left = warnings.length - WARNINGS_TOLD;
  if (left <= 0) return warnings;
  const rest = {
    eventId: "",
    eventType: "",
    reason: "MORE_WARNINGS",
    message: `${left} further warnings are left out`,
  };
  return [...warnings.slice(0, WARNINGS_TOLD), rest];
}
