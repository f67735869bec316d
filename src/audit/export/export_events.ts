import { randomUUIDv7 } from "node:crypto";
import { type MessageShape, toJson } from "@bufbuild/protobuf";
import { EventFilterSchema, ExportFormat } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { Fault } from "../../fault.ts";
import { canonicalText, type JsonObject } from "../../integrity/canonical.ts";
import { sha256 } from "../../integrity/event_digest.ts";
import type { OwnEvent } from "../own_event.ts";

/** An export that was asked for, as its events tell of it. */
export interface AskedExport {
  /** Correlation id of its events. */
  readonly exportId: string;
  readonly format: ExportFormat;
  /** As ProtoJSON. */
  readonly filter: JsonObject;
  readonly treeSize: number;
}

/** What an export came to. */
export interface ExportTotals {
  readonly events: number;
  readonly bytes: number;
  /** SHA-256 of the file in hex; absent where it is not whole. */
  readonly sha256?: string;
}

const FORMAT_NAMES: Readonly<Partial<Record<ExportFormat, string>>> = {
  [ExportFormat.BUNDLE]: "bundle",
  [ExportFormat.JSONL]: "jsonl",
  [ExportFormat.CSV]: "csv",
  [ExportFormat.PARQUET]: "parquet",
};
/** A payload in a filter that is longer as JSON is told by its digest alone. */
const PAYLOAD_LENGTH = 16_384;
const MESSAGE_LENGTH = 1000;

/** A name for an export, and the correlation id of its events: the chains that it reads do not grow by it. */
export function newExportId(): string {
  return `export-${randomUUIDv7()}`;
}

/** A filter as ProtoJSON, with the names of the contract. */
export function filterJson(filter: MessageShape<typeof EventFilterSchema> | undefined): JsonObject {
  return filter === undefined ? {} : (toJson(EventFilterSchema, filter, { useProtoFieldName: true }) as JsonObject);
}

/** To be stored before the first byte leaves. */
export function exportStarted(asked: AskedExport): OwnEvent {
  return ownEvent(asked, "datastorage.export.started", "pending", {});
}

/** The whole file was given. */
export function exportFinished(asked: AskedExport, totals: ExportTotals, durationMs: number): OwnEvent {
  return { ...ownEvent(asked, "datastorage.export.finished", "success", { ...totals }), durationMs };
}

/** The file was cut off after some events and bytes. `cause`: what it failed with; undefined where the caller went away. */
export function exportBroken(asked: AskedExport, totals: ExportTotals, cause: unknown, durationMs: number): OwnEvent {
  const { events, bytes } = totals;
  const why: JsonObject =
    cause instanceof Fault
      ? { reason: cause.details.reason, message: cause.message.slice(0, MESSAGE_LENGTH).toWellFormed() }
      : { reason: cause === undefined ? "CALLER_GONE" : "INTERNAL" };
  return { ...ownEvent(asked, "datastorage.export.finished", "failure", { events, bytes, ...why }), durationMs };
}

function ownEvent(asked: AskedExport, type: string, outcome: OwnEvent["outcome"], data: JsonObject): OwnEvent {
  const { exportId, format, filter, treeSize } = asked;
  return {
    type,
    outcome,
    correlationId: exportId,
    resource: { type: "AuditExport", id: exportId },
    data: { format: FORMAT_NAMES[format] ?? "bundle", filter: toldFilter(filter), tree_size: treeSize, ...data },
  };
}

/** The filter, with the payload in it as text: it may be nested as deeply as the payload of an event may be in whole. */
function toldFilter({ event_data: eventData, ...filter }: JsonObject): JsonObject {
  if (eventData === undefined) return filter;
  const text = canonicalText(eventData);
  return text.length <= PAYLOAD_LENGTH
    ? { ...filter, event_data: text }
    : { ...filter, event_data_sha256: sha256(text) };
}
