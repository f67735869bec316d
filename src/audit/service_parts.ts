import type { Logger } from "pino";
import type { Writer } from "./append/writer.ts";
import type { ExportParts } from "./export/exporter.ts";
import type { EventsReader } from "./read/events_reader.ts";
import type { TailParts } from "./tail/tail.ts";

/** What GetServiceInfo tells of the stores. */
export interface StoresState {
  readonly database: { readonly available: boolean };
  readonly queue: { readonly state: "not_configured" | "available" | "away" | "not_durable"; readonly reason: string };
}

/** Whether one of the stores that the service was started with takes no events. */
export function isDegraded({ database, queue }: StoresState): boolean {
  return !database.available || (queue.state !== "available" && queue.state !== "not_configured");
}

/** What the calls of AuditService need. */
export interface AuditServiceParts {
  readonly writer: Writer;
  readonly reader: EventsReader;
  readonly tail: TailParts;
  readonly exports: ExportParts;
  readonly log: Logger;
  /** Version of the service. */
  readonly version: string;
  /** Bytes of one request message at most. */
  readonly maxRequestBytes: number;
  /** Callers that may follow the log at once. */
  readonly maxTails: number;
  /** Exports that may be made at once. */
  readonly maxExports: number;
  /** Told of each event that was answered without being recorded, for counting; the others are counted when appended. */
  readonly onAnswered: (outcome: "duplicate" | "conflict" | "rejected" | "queued", category: string) => void;
  /** Whether each store takes events now, and why not. */
  readonly stores: () => StoresState;
}
