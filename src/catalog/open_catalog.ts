import type { Writer } from "../audit/append/writer.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { Database } from "../postgres/database.ts";
import type { Logger } from "../telemetry/logs.ts";
import { CatalogChanges } from "./change/changes.ts";
import { Discovery } from "./discovery/discovery.ts";
import { EventOutbox } from "./discovery/event_outbox.ts";
import { CatalogReader } from "./read/catalog_reader.ts";
import type { CatalogServiceParts } from "./service_parts.ts";

export interface OpenCatalogOptions {
  readonly databaseUrl: string;
  /** Milliseconds that a change, which is an append too, may run. */
  readonly appendTimeoutMs: number;
  /** For what only reads. */
  readonly read: Database;
  /** Records the events of discovery. */
  readonly writer: Writer;
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  /** Watches the events that are recorded with changes, as it does appends. */
  readonly observer: { recorded(events: readonly PreparedEvent[]): void; defect(error: unknown): void };
  readonly log: Logger;
}

/** The catalog of a running service. */
export interface OpenCatalog extends CatalogServiceParts {
  /** Events of discovery that no store has taken yet. */
  readonly waitingEvents: number;
  /** Records the events that wait, for so many milliseconds at most, and closes the connections of changes. */
  close(timeoutMs: number): Promise<void>;
}

/** Connections for changes, which are rare: no flood of them may take those of other statements. */
const CHANGE_CONNECTIONS = 2;

export function openCatalog({ read, observer, ...options }: OpenCatalogOptions): OpenCatalog {
  const database = new Database({
    url: options.databaseUrl,
    connections: CHANGE_CONNECTIONS,
    applicationName: "datastorage catalog",
    statementTimeoutMs: options.appendTimeoutMs,
  });
  const events = new EventOutbox(options);
  return {
    changes: new CatalogChanges({
      database,
      ensureMonths: options.ensureMonths,
      onRecorded: (recorded) => observer.recorded(recorded),
      onDefect: (error) => observer.defect(error),
    }),
    reader: new CatalogReader(read),
    discovery: new Discovery({ database: read, events }),
    get waitingEvents() {
      return events.waiting;
    },
    async close(timeoutMs) {
      await events.close(timeoutMs);
      await database.end();
    },
  };
}
