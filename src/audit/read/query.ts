import { createHash } from "node:crypto";
import { invalid } from "../../fault.ts";
import { canonicalText, type Json, type JsonObject } from "../../integrity/canonical.ts";
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

interface Token {
  readonly query: string;
  readonly cursor: Cursor;
}

/** An opaque page token: the cursor, bound to its query. */
export function encodeToken(query: EventQuery, cursor: Cursor): string {
  const token: Token = { query: fingerprint(query), cursor };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/**
 * The cursor of a page token.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another query.
 */
export function decodeToken(query: EventQuery, text: string): Cursor {
  const token = parseToken(text, query.order);
  const description = "must be the next_page_token of a page before";
  if (token === undefined) throw invalid([{ field: "page_token", description }]);
  if (token.query !== fingerprint(query)) {
    throw invalid([{ field: "page_token", description: `${description} with the same filter and order_by` }]);
  }
  return token.cursor;
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function parseToken(text: string, order: Order): Token | undefined {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as Token;
    return typeof token.query === "string" && isCursorOf(order, token.cursor) ? token : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a cursor is one that a page in this order ends with; what comes from outside may be anything. */
function isCursorOf(order: Order, cursor: Cursor): boolean {
  if (cursor.timestamp === undefined) {
    return order === "chain_position" && Number.isSafeInteger(cursor.position) && cursor.position > 0;
  }
  const { timestamp, eventId } = cursor;
  const valid =
    TIMESTAMP.test(timestamp) && timestampText(parseTimestamp(timestamp)) === timestamp && UUID.test(eventId);
  return valid && order !== "chain_position" && isInRange(parseTimestamp(timestamp));
}

function fingerprint(query: EventQuery): string {
  const plain = JSON.parse(JSON.stringify(query)) as Json;
  return createHash("sha256").update(canonicalText(plain)).digest("base64url").slice(0, 16);
}
