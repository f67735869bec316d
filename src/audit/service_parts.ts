import type { Logger } from "pino";
import type { Writer } from "./append/writer.ts";
import type { EventsReader } from "./read/events_reader.ts";

/** What the calls of AuditService need. */
export interface AuditServiceParts {
  readonly writer: Writer;
  readonly reader: EventsReader;
  readonly log: Logger;
  /** Version of the service. */
  readonly version: string;
  /** Bytes of one request message at most. */
  readonly maxRequestBytes: number;
  /** Told of each event that was answered without being recorded, for counting; the others are counted when appended. */
  readonly onAnswered: (outcome: "duplicate" | "conflict" | "rejected", category: string) => void;
}
