import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  AuditService,
  type ExportEventsRequest,
  type GetEventRequest,
  GetEventResponseSchema,
  GetServiceInfoResponseSchema,
  type ListEventsRequest,
  ListEventsResponseSchema,
  type RecordEventsRequest,
  RecordEventsResponseSchema,
  type TailEventsRequest,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { nowMs } from "../clock.ts";
import { failpoint } from "../failpoint.ts";
import { Fault } from "../fault.ts";
import { PageSize } from "../page_size.ts";
import { drainingKey, until } from "../rpc/interceptors.ts";
import { principalKey } from "../rpc/principal.ts";
import { LIMITS } from "./event.ts";
import { exportEvents } from "./export/exporter.ts";
import { ingestBatches } from "./ingest_rpc.ts";
import { prepareBatch } from "./intake.ts";
import type { PreparedEvent } from "./prepare.ts";
import { toEventQuery } from "./read/filter_message.ts";
import { decodeToken } from "./read/query.ts";
import { answeredEvents, toResults } from "./results.ts";
import { type AuditServiceParts, isDegraded } from "./service_parts.ts";
import { toStoreStatuses } from "./store_status.ts";
import { eventSize, toAuditEvent } from "./stored_event.ts";
import { StreamBound } from "./stream_bound.ts";
import { tailEvents } from "./tail/tail.ts";

/** Registers kubernaut.audit.v1.AuditService. What each call promises stands in the proto. */
export function auditRoutes(parts: AuditServiceParts): (router: ConnectRouter) => void {
  const tails = new StreamBound(parts.maxTails, "TOO_MANY_TAILS", "follow the log");
  const exports = new StreamBound(parts.maxExports, "TOO_MANY_EXPORTS", "export");
  return (router) =>
    router.service(AuditService, {
      recordEvents: (request, context) => recordEvents(parts, request, context),
      ingestEvents: (requests, context) => ingestBatches(parts, requests, context),
      getEvent: (request, context) => getEvent(parts, request, context),
      listEvents: (request, context) => listEvents(parts, request, context),
      tailEvents: (request, context) => tails.count(tail(parts, request, context)),
      exportEvents: (request, context) => exports.count(exported(parts, request, context)),
      getServiceInfo: () => getServiceInfo(parts),
    });
}

async function recordEvents(parts: AuditServiceParts, request: RecordEventsRequest, context: HandlerContext) {
  const intake = await prepareBatch(request.events, context.values.get(principalKey).name);
  const events = intake.filter((entry): entry is PreparedEvent => !("violations" in entry));
  failpoint("intake.prepared");
  const submitted = parts.writer.submit(parts.writer.open(), events, request);
  const { outcomes, fault } = await unlessAborted(context.signal, submitted);
  if (fault !== undefined) throw fault;
  const ids = request.events.map((event) => event.eventId);
  const results = toResults(answeredEvents(intake, ids, outcomes, parts.onAnswered));
  failpoint("answer.send");
  return create(RecordEventsResponseSchema, { results });
}

/** Waits no longer than the caller does. The append goes on: what was sent to the database is never called back. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function getEvent({ reader }: AuditServiceParts, request: GetEventRequest, context: HandlerContext) {
  const row = await reader.get(request.eventId.toLowerCase(), context.signal);
  if (row === undefined) {
    throw new Fault("not_found", `there is no event ${request.eventId}`, {
      reason: "EVENT_NOT_FOUND",
      resource: { type: "kubernaut.audit.v1.AuditEvent", name: request.eventId },
    });
  }
  return create(GetEventResponseSchema, { event: toAuditEvent(row, request.payloadForm) });
}

async function listEvents({ reader }: AuditServiceParts, request: ListEventsRequest, context: HandlerContext) {
  const query = toEventQuery(request);
  const cursor = request.pageToken === "" ? undefined : decodeToken(query, request.pageToken);
  const pageSize = Math.min(request.pageSize || LIMITS.defaultPageSize, LIMITS.pageSize);
  const size = new PageSize();
  const page = await reader.list(
    query,
    cursor,
    pageSize,
    (row) => {
      const event = toAuditEvent(row, request.payloadForm);
      return size.fits(eventSize(event, row, request.payloadForm)) ? event : undefined;
    },
    context.signal,
  );
  return create(ListEventsResponseSchema, { events: [...page.events], nextPageToken: page.nextPageToken });
}

function tail({ tail: parts }: AuditServiceParts, request: TailEventsRequest, context: HandlerContext) {
  const { draining, signal } = endings(context);
  return until(draining, tailEvents(parts, request, { signal }));
}

function exported({ exports: parts }: AuditServiceParts, request: ExportEventsRequest, context: HandlerContext) {
  const { draining, signal } = endings(context);
  return until(draining, exportEvents(parts, request, { by: context.values.get(principalKey).name, signal }));
}

/** What ends a stream that the service sends: that the server is about to go, and that or its caller's going. */
function endings(context: HandlerContext): { draining: AbortSignal; signal: AbortSignal } {
  const draining = context.values.get(drainingKey);
  return { draining, signal: AbortSignal.any([draining, context.signal]) };
}

function getServiceInfo({ version, maxRequestBytes, stores }: AuditServiceParts) {
  return create(GetServiceInfoResponseSchema, {
    version,
    limits: {
      maxBatchEvents: LIMITS.batchEvents,
      maxBatchBytes: BigInt(maxRequestBytes),
      maxEventDataBytes: LIMITS.eventDataBytes,
      maxEventDataDepth: LIMITS.eventDataDepth,
      maxPageSize: LIMITS.pageSize,
    },
    payloadForms: [PayloadForm.STRUCT, PayloadForm.JSON, PayloadForm.TYPED],
    serverTime: timestampFromMs(nowMs()),
    ...toStoreStatuses(stores()),
    degraded: isDegraded(stores()),
  });
}
