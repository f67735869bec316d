import { readFileSync } from "node:fs";
import { AuditService } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService } from "../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { IntegrityService } from "../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { CatalogService } from "../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { ReconstructionService } from "../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { LogWriter } from "./audit/append/log_writer.ts";
import { EventOutbox } from "./audit/event_outbox.ts";
import type { OwnEvent } from "./audit/own_event.ts";
import { EventsReader } from "./audit/read/events_reader.ts";
import { recordOwnEvent } from "./audit/record_own_event.ts";
import { auditRoutes } from "./audit/service.ts";
import { openCatalog } from "./catalog/open_catalog.ts";
import { catalogRoutes } from "./catalog/service.ts";
import type { CatalogServiceParts } from "./catalog/service_parts.ts";
import { nowMs } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { formatHostPort } from "./config/kinds.ts";
import { Partitions } from "./custody/partitions.ts";
import { prepareDatabase } from "./custody/prepare_database.ts";
import type { OpenQueue } from "./deadletter/open_queue.ts";
import { deadLetterRoutes } from "./deadletter/service.ts";
import { startEmbedded } from "./embedded/embedded.ts";
import { failpoint } from "./failpoint.ts";
import { type OpenLog, openLog } from "./integrity/log/open_log.ts";
import { readLogKeys } from "./integrity/sealing/log_keys.ts";
import { integrityRoutes } from "./integrity/service.ts";
import type { IntegrityParts } from "./integrity/service_parts.ts";
import { logResources } from "./integrity/serving/log_resources.ts";
import { openStores, type Stores, telling } from "./open_stores.ts";
import { openPools, type Pools } from "./postgres/pools.ts";
import { openReconstruction } from "./reconstruction/open_reconstruction.ts";
import { reconstructionRoutes } from "./reconstruction/service.ts";
import type { ReconstructionServiceParts } from "./reconstruction/service_parts.ts";
import { type RpcServer, startRpcServer } from "./rpc/server.ts";
import { createAppendMetrics } from "./telemetry/append_metrics.ts";
import { callLabels, type StatusCode } from "./telemetry/call_labels.ts";
import { createLogMetrics, observeLog } from "./telemetry/log_metrics.ts";
import { startTelemetry, type Telemetry } from "./telemetry/telemetry.ts";
import { observeReaders } from "./telemetry/writer_metrics.ts";

export interface ServeOptions {
  readonly config: Config;
  /** Empty the data folder of the embedded servers first. */
  readonly fresh?: boolean;
}

/** A running service. */
export interface Service {
  /** Where it takes calls. */
  readonly address: { readonly host: string; readonly port: number };
  /** Where it serves its metrics; absent when they are off. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
  /** Resolves with why, when the service cannot go on: one of the embedded servers has ended. */
  readonly broken: Promise<string>;
  /** Ends it in order: no new calls, those under way settled, stores closed; within the configured time. */
  close(): Promise<void>;
}

/** Version of the service, as package.json has it. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }
).version;

/** Milliseconds for appends that are still under way when the last call has ended. */
const LAST_APPENDS_MS = 2000;

/**
 * Joins the parts and starts the service: stores, schema, partitions, writer, reader, server.
 *
 * @throws ConfigError, DataFolderInUse or Error, with everything that was started ended again.
 */
export async function serve({ config, fresh = false }: ServeOptions): Promise<Service> {
  const started: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of started.splice(0).reverse()) await close();
  };
  try {
    return await startParts(config, fresh, started, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function startParts(
  config: Config,
  fresh: boolean,
  started: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<Service> {
  const telemetry = await startTelemetry({ config, version: VERSION });
  started.push(() => telemetry.shutdown());
  const embedded = await startEmbedded({ config, fresh, log: telemetry.log });
  started.push(() => embedded.stop());
  const { databaseUrl } = embedded;
  const pools = openPools({ ...config, databaseUrl });
  started.push(() => pools.end());
  observeReaders(telemetry.metrics, pools.read, config.readConnections);
  const partitions = new Partitions(pools.custody, { ...config, now: () => new Date(nowMs()) });
  const log = openEvidence(config, databaseUrl, pools, telemetry, (event) =>
    recordOwnEvent(stores.database.writer, event),
  );
  started.push(() => log.close());
  const onRecorded = () => log.recorded();
  const stores = openStores({ config, embedded, partitions, telemetry, onRecorded });
  started.push(async () => stores.queue?.close());
  started.push(() => stores.database.close(LAST_APPENDS_MS));
  started.push(async () => stores.queue?.stopDraining());
  const database = prepareDatabase(databaseUrl, partitions, telemetry);
  started.push(() => database.stop());
  const ready = database.ready.then(() => {
    stores.database.availability.begin();
    log.begin();
  });
  await Promise.race([ready, database.away.then(() => queueAlone(stores.queue, telemetry))]);
  const events = new EventOutbox({ writer: stores.database.writer, log: telemetry.log });
  started.push(() => events.close(LAST_APPENDS_MS));
  telemetry.metrics.ownEventsWaiting.observe((report) => report(events.waiting));
  const catalog = openCatalog({
    ...config,
    databaseUrl,
    read: pools.read,
    events,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    observer: telling(createAppendMetrics(telemetry.metrics, telemetry.log), onRecorded),
  });
  started.push(() => catalog.close());
  const readers: Readers = {
    events: new EventsReader(pools.read, config),
    reconstruction: openReconstruction(pools.read, events),
    integrity: { ...config, databaseUrl, database: pools.read, log: log.reader, tiles: log.tiles, events },
  };
  const rpc = await startServer(config, stores, readers, log, catalog, telemetry);
  started.push(() => closeServer(rpc, stores.database, config));
  stores.onChange((serving) => {
    for (const service of ["", ...SERVICES.map(({ typeName }) => typeName)]) rpc.health.setStatus(service, serving);
  });
  embedded.announce(formatHostPort(rpc.address));
  const { metricsAddress } = telemetry;
  const refused = ready.then(
    () => new Promise<string>(() => {}),
    (error: unknown) => `the database cannot be used: ${error instanceof Error ? error.message : error}`,
  );
  const broken = Promise.race([embedded.broken, refused]);
  return { address: rpc.address, metricsAddress, broken, close: closeAll };
}

/** Opens the log over all events, and has the metrics tell of it. `record` records events about it. */
function openEvidence(
  config: Config,
  databaseUrl: string,
  { read }: Pools,
  { metrics, log }: Telemetry,
  record: (event: OwnEvent) => Promise<void>,
): OpenLog {
  const keys = readLogKeys({ ...config, embedded: config.databaseUrl === undefined });
  const { advanced } = createLogMetrics(metrics);
  const sealing = { ...config, keys, origin: config.logOrigin, record };
  const opened = openLog({ ...config, databaseUrl, read, log, sealing, onAdvanced: advanced });
  observeLog(metrics, opened);
  return opened;
}

/** Resolves when the service can begin with the queue alone, because the database is not there. */
async function queueAlone(queue: OpenQueue | undefined, { log }: Telemetry): Promise<void> {
  await (queue?.taking ?? new Promise(() => {}));
  log.warn({}, "serving with the queue alone: events are QUEUED until the database is there");
}

/** No new calls; those under way are settled, by the database for half of the time and then by the queue. */
async function closeServer(rpc: RpcServer, database: LogWriter, { shutdownTimeoutMs }: Config): Promise<void> {
  failpoint("shutdown.drain");
  const timer = setTimeout(() => database.abandon(), shutdownTimeoutMs / 2);
  await rpc.close({ timeoutMs: shutdownTimeoutMs });
  clearTimeout(timer);
}

/** What is served, beside health and reflection. */
const SERVICES = [AuditService, IntegrityService, DeadLetterService, CatalogService, ReconstructionService];

/** What answers calls that only read. */
interface Readers {
  readonly events: EventsReader;
  readonly reconstruction: ReconstructionServiceParts;
  readonly integrity: IntegrityParts;
}

async function startServer(
  config: Config,
  stores: Stores,
  readers: Readers,
  { reader, tiles, growth, exportSigner, sealingStatus }: OpenLog,
  catalog: CatalogServiceParts,
  { metrics, tracer, log }: Telemetry,
): Promise<RpcServer> {
  const { writer } = stores.database;
  const { database } = readers.integrity;
  const observer = createAppendMetrics(metrics, log);
  let connections = 0;
  metrics.connections.observe((report) => report(connections));
  return startRpcServer({
    ...config,
    routes: [
      auditRoutes({
        ...config,
        writer,
        reader: readers.events,
        tail: { database, log: reader, growth },
        exports: { database, log: reader, tiles, exportSigner, sealingStatus, writer, logger: log },
        log,
        version: VERSION,
        stores: () => stores.state,
        onAnswered: (outcome, category) => observer.answered(outcome, category),
      }),
      deadLetterRoutes({ writer, log, stores: () => stores.state, queue: stores.queue }),
      catalogRoutes(catalog),
      reconstructionRoutes(readers.reconstruction),
      integrityRoutes(readers.integrity),
    ],
    resources: logResources(readers.integrity),
    services: SERVICES,
    telemetry: {
      tracer,
      recordCall(method, protocol, code, seconds) {
        const system = protocol === "connect" ? "connectrpc" : "grpc";
        metrics.rpcServerCallDuration.record(seconds, callLabels(system, method, code as StatusCode));
      },
    },
    log,
    onConnections: (count) => {
      connections = count;
    },
  });
}
