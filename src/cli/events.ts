import { toJson } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import {
  type AuditEvent,
  AuditEventSchema,
  EventOutcome,
  PayloadForm,
} from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { AuditService, EventFilter } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { JsonObject } from "../integrity/canonical.ts";

/** Outcomes by the names under which they are stored. */
export const OUTCOME_NAMES: Readonly<Record<EventOutcome, string>> = {
  [EventOutcome.UNSPECIFIED]: "",
  [EventOutcome.SUCCESS]: "success",
  [EventOutcome.FAILURE]: "failure",
  [EventOutcome.PENDING]: "pending",
};

export interface ListQuery {
  readonly filter: EventFilter;
  readonly orderBy: string;
  /** Events at most. */
  readonly limit: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** One page of events; `more`: whether further ones may follow, be it beyond the limit. */
export interface EventPage {
  readonly events: readonly AuditEvent[];
  readonly more: boolean;
}

const LARGEST_PAGE = 1000;

/** The events of a query, page by page; each page is asked for when the one before has been used. */
export async function* listEvents(client: Client<typeof AuditService>, query: ListQuery): AsyncGenerator<EventPage> {
  const { filter, orderBy, timeoutMs, signal } = query;
  let left = query.limit;
  let pageToken = "";
  do {
    const request = {
      filter,
      orderBy,
      pageToken,
      pageSize: Math.min(left, LARGEST_PAGE),
      payloadForm: PayloadForm.JSON,
    };
    const { events, nextPageToken } = await client.listEvents(request, { timeoutMs, signal });
    left -= events.length;
    pageToken = nextPageToken;
    yield { events, more: pageToken !== "" };
  } while (left > 0 && pageToken !== "");
}

/** The payload of an event that was read as JSON text. */
export function payloadText({ payload }: AuditEvent): string {
  return payload.case === "eventDataJson" ? Buffer.from(payload.value).toString("utf8") : "{}";
}

/** The payload of an event that was read as JSON text, as an object. */
export function payloadOf(event: AuditEvent): JsonObject {
  return JSON.parse(payloadText(event)) as JsonObject;
}

/** An event as one line of JSON: ProtoJSON with the names of the contract, the payload as an object in `event_data`. */
export function eventJson(event: AuditEvent): string {
  const envelope = toJson(AuditEventSchema, event, { useProtoFieldName: true }) as Record<string, unknown>;
  delete envelope["event_data_json"];
  // The payload's own text goes in as it is: what the service sent is what is printed.
  return `${JSON.stringify(envelope).slice(0, -1)},"event_data":${payloadText(event)}}`;
}

/** A timestamp as `2026-05-13 21:24:03.123456`, in UTC; `digits` of the second, 0 to 6. */
export function timeText(micros: bigint, digits: number): string {
  const text = new Date(Number(micros / 1000n)).toISOString();
  const fraction = String(micros % 1_000_000n).padStart(6, "0");
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${digits > 0 ? `.${fraction.slice(0, digits)}` : ""}`;
}

/** Microseconds since 1970 of an event's own time. */
export function eventMicros({ eventTimestamp }: AuditEvent): bigint {
  if (eventTimestamp === undefined) return 0n;
  return eventTimestamp.seconds * 1_000_000n + BigInt(Math.trunc(eventTimestamp.nanos / 1000));
}
