import type { EventOutbox } from "../audit/event_outbox.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { Database } from "../postgres/database.ts";
import { CatalogChanges } from "./change/changes.ts";
import { Discovery } from "./discovery/discovery.ts";
import { CatalogReader } from "./read/catalog_reader.ts";
import type { CatalogServiceParts } from "./service_parts.ts";

export interface OpenCatalogOptions {
  readonly databaseUrl: string;
  /** Milliseconds that a change, which is an append too, may run. */
  readonly appendTimeoutMs: number;
  /** For what only reads. */
  readonly read: Database;
  /** Takes the events of discovery. */
  readonly events: EventOutbox;
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  /** Watches the events that are recorded with changes, as it does appends. */
  readonly observer: { recorded(events: readonly PreparedEvent[]): void; defect(error: unknown): void };
}

/** The catalog of a running service. */
export interface OpenCatalog extends CatalogServiceParts {
  /** Closes the connections of changes. */
  close(): Promise<void>;
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
  return {
    changes: new CatalogChanges({
      database,
      ensureMonths: options.ensureMonths,
      onRecorded: (recorded) => observer.recorded(recorded),
      onDefect: (error) => observer.defect(error),
    }),
    reader: new CatalogReader(read),
    discovery: new Discovery({ database: read, events: options.events }),
    close: () => database.end(),
  };
}
