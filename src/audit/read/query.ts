import { invalid } from "../../fault.ts";
import type { Json, JsonObject } from "../../integrity/canonical.ts";
import { decodePageToken, encodePageToken } from "../../page_token.ts";
import { isInRange, parseTimestamp, timestampText } from "../timestamp.ts";

export type Order = "event_timestamp desc" | "event_timestamp" | "chain_position";

/** Which events, in which order: EventFilter and order_by of the contract, checked. Times are RFC 3339 with six digits. */
export interface EventQuery {
  readonly correlationId?: string | undefined;
  /** Types as they are; every type of `eventTypes` or with one of `eventTypePrefixes` matches. */
  readonly eventTypes: readonly string[];
  readonly eventTypePrefixes: readonly string[];
  readonly eventCategories: readonly string[];
  readonly eventOutcomes: readonly string[];
  readonly severities: readonly string[];
  /** Columns that must have one value. */
  readonly exact: Readonly<Partial<Record<ExactColumn, string>>>;
  readonly startTime?: string | undefined;
  readonly endTime?: string | undefined;
  readonly contains?: JsonObject | undefined;
  readonly order: Order;
}

export type ExactColumn = "actor_type" | "actor_id" | "resource_type" | "resource_id" | "namespace" | "cluster_name";

/** Where a page ended: the sort key of the last event that was looked at; the timestamp as RFC 3339 with six digits. */
export type Cursor =
  | { readonly timestamp: string; readonly eventId: string }
  | { readonly position: number; readonly timestamp?: undefined };

/** Reads an order_by. */
export function parseOrder(text: string, correlationId: string | undefined): Order {
  const words = text.trim().split(/\s+/).join(" ");
  if (words === "" || words === "event_timestamp desc") return "event_timestamp desc";
  if (words === "event_timestamp" || words === "event_timestamp asc") return "event_timestamp";
  if (words !== "chain_position" && words !== "chain_position asc") {
    const description = "must be `event_timestamp desc`, `event_timestamp` or `chain_position`";
    throw invalid([{ field: "order_by", description }]);
  }
  if (correlationId === undefined) {
    throw invalid([{ field: "order_by", description: "`chain_position` needs filter.correlation_id" }]);
  }
  return "chain_position";
}

/** An opaque page token: the cursor, bound to its query. */
export function encodeToken(query: EventQuery, cursor: Cursor): string {
  return encodePageToken(plain(query), plain(cursor));
}

/**
 * The cursor of a page token.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another query.
 */
export function decodeToken(query: EventQuery, text: string): Cursor {
  return decodePageToken(text, plain(query), (cursor) => isCursorOf(query.order, cursor));
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether it is a cursor that a page in this order ends with; what comes from outside may be anything. */
function isCursorOf(order: Order, cursor: unknown): cursor is Cursor {
  const { position, timestamp, eventId } = (cursor ?? {}) as Readonly<Record<string, unknown>>;
  if (order === "chain_position")
    return timestamp === undefined && Number.isSafeInteger(position) && Number(position) > 0;
  return typeof eventId === "string" && UUID.test(eventId) && isMoment(timestamp);
}

/** Whether it is a time that exists, within the range of events, as timestampText writes it. */
function isMoment(text: unknown): boolean {
  if (typeof text !== "string" || !TIMESTAMP.test(text) || Number.isNaN(Date.parse(text))) return false;
  const moment = parseTimestamp(text);
  return timestampText(moment) === text && isInRange(moment);
}

/** Without the members that are undefined. */
function plain(value: EventQuery | Cursor): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
