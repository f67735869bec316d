import { readFileSync } from "node:fs";
import { AuditService } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService } from "../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { CatalogService } from "../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { ReconstructionService } from "../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { type LogWriter, openLogWriter } from "./audit/append/log_writer.ts";
import { EventOutbox } from "./audit/event_outbox.ts";
import { EventsReader } from "./audit/read/events_reader.ts";
import { auditRoutes } from "./audit/service.ts";
import { isDegraded, type StoresState } from "./audit/service_parts.ts";
import { openCatalog } from "./catalog/open_catalog.ts";
import { catalogRoutes } from "./catalog/service.ts";
import type { CatalogServiceParts } from "./catalog/service_parts.ts";
import { nowMs } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { formatHostPort } from "./config/kinds.ts";
import { Partitions } from "./custody/partitions.ts";
import { prepareDatabase } from "./custody/prepare_database.ts";
import { type OpenQueue, openQueue } from "./deadletter/open_queue.ts";
import type { QueueLimits } from "./deadletter/queue_store.ts";
import { deadLetterRoutes } from "./deadletter/service.ts";
import { type EmbeddedServers, startEmbedded } from "./embedded/embedded.ts";
import { failpoint } from "./failpoint.ts";
import { openPools } from "./postgres/pools.ts";
import { openReconstruction } from "./reconstruction/open_reconstruction.ts";
import { reconstructionRoutes } from "./reconstruction/service.ts";
import type { ReconstructionServiceParts } from "./reconstruction/service_parts.ts";
import { type RpcServer, startRpcServer } from "./rpc/server.ts";
import { createAppendMetrics } from "./telemetry/append_metrics.ts";
import { createAppendTrace } from "./telemetry/append_span.ts";
import { callLabels, type StatusCode } from "./telemetry/call_labels.ts";
import { createQueueMetrics } from "./telemetry/queue_metrics.ts";
import { startTelemetry, type Telemetry } from "./telemetry/telemetry.ts";
import { observeReaders, observeWriter } from "./telemetry/writer_metrics.ts";

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
  const stores = openStores(config, embedded, partitions, telemetry);
  started.push(async () => stores.queue?.close());
  started.push(() => stores.log.close(LAST_APPENDS_MS));
  started.push(async () => stores.queue?.stopDraining());
  const database = prepareDatabase(databaseUrl, partitions, telemetry);
  started.push(() => database.stop());
  const ready = database.ready.then(() => stores.log.availability.begin());
  await Promise.race([ready, database.away.then(() => queueAlone(stores.queue, telemetry))]);
  const events = new EventOutbox({ writer: stores.log.writer, log: telemetry.log });
  started.push(() => events.close(LAST_APPENDS_MS));
  telemetry.metrics.ownEventsWaiting.observe((report) => report(events.waiting));
  const catalog = openCatalog({
    ...config,
    databaseUrl,
    read: pools.read,
    events,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    observer: createAppendMetrics(telemetry.metrics, telemetry.log),
  });
  started.push(() => catalog.close());
  const readers = {
    events: new EventsReader(pools.read, config),
    reconstruction: openReconstruction(pools.read, events),
  };
  const rpc = await startServer(config, stores, readers, catalog, telemetry);
  started.push(() => closeServer(rpc, stores.log, config));
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

/** Resolves when the service can begin with the queue alone, because the database is not there. */
async function queueAlone(queue: OpenQueue | undefined, { log }: Telemetry): Promise<void> {
  await (queue?.taking ?? new Promise(() => {}));
  log.warn({}, "serving with the queue alone: events are QUEUED until the database is there");
}

/** No new calls; those under way are settled, by the database for half of the time and then by the queue. */
async function closeServer(rpc: RpcServer, log: LogWriter, { shutdownTimeoutMs }: Config): Promise<void> {
  failpoint("shutdown.drain");
  const timer = setTimeout(() => log.abandon(), shutdownTimeoutMs / 2);
  await rpc.close({ timeoutMs: shutdownTimeoutMs });
  clearTimeout(timer);
}

/** Where events are kept and where they wait. */
interface Stores {
  readonly log: LogWriter;
  readonly queue: OpenQueue | undefined;
  readonly state: StoresState;
  /** Tells whether either store takes events, now and at every change. */
  onChange(listener: (serving: boolean) => void): void;
}

function openStores(config: Config, embedded: EmbeddedServers, partitions: Partitions, telemetry: Telemetry): Stores {
  const { metrics, log } = telemetry;
  const watch = createQueueMetrics(metrics);
  let listener = (_serving: boolean) => {};
  const serving = () => logWriter.availability.available || queue?.queue.takes === true;
  const changed = () => {
    logWriter.overflowChanged();
    listener(serving());
  };
  const queue =
    embedded.valkeyUrl === undefined
      ? undefined
      : openQueue({
          valkeyUrl: embedded.valkeyUrl,
          limits: limitsOf(config),
          tries: config.queueTries,
          retryWaitMs: config.queueRetryWaitMs,
          log,
          observer: watch.drain,
          onWiped: watch.wiped,
          onChange: changed,
        });
  const logWriter = openLog(config, embedded.databaseUrl, partitions, telemetry, queue, () => listener(serving()));
  const state = (): StoresState => ({
    database: { available: logWriter.availability.available },
    queue: queue?.state ?? { state: "not_configured", reason: "no VALKEY_URL, and no Valkey of our own" },
  });
  metrics.degraded.observe((report) => report(isDegraded(state()) ? 1 : 0));
  if (queue !== undefined) {
    queue.drain(logWriter.queueAppender);
    watch.watch({
      limits: queue.store.limits,
      depth: () => queue.store.depth(),
      get takes() {
        return queue.queue.takes;
      },
      get breaker() {
        return queue.drainer.breaker;
      },
    });
  }
  return {
    log: logWriter,
    queue,
    get state() {
      return state();
    },
    onChange(wanted) {
      listener = wanted;
      wanted(serving());
    },
  };
}

function limitsOf({ queueEntries, queueBytes, deadLetterEntries, deadLetterBytes }: Config): QueueLimits {
  return { entries: queueEntries, bytes: queueBytes, deadLetters: deadLetterEntries, deadLetterBytes };
}

function openLog(
  config: Config,
  databaseUrl: string,
  partitions: Partitions,
  { metrics, tracer, log }: Telemetry,
  queue: OpenQueue | undefined,
  onAvailable: () => void,
): LogWriter {
  let told = false;
  const opened = openLogWriter({
    ...config,
    databaseUrl,
    lanes: config.appendConnections,
    lingerMs: config.appendLingerMs,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    observer: createAppendMetrics(metrics, log),
    queueObserver: createAppendMetrics(metrics, log, "queue"),
    overflow: queue?.queue,
    traceAppend: createAppendTrace(tracer),
    onAvailability(available, cause) {
      const meanwhile = queue?.queue.takes ? "queued" : "refused";
      if (!available) log.error({ err: cause }, `the database is away; events are ${meanwhile} until it is back`);
      else if (told) log.info("the database is back");
      told = true;
      onAvailable();
    },
  });
  const { writer, availability } = opened;
  metrics.databaseUp.observe((report) => report(availability.available ? 1 : 0));
  observeWriter(metrics, writer, config.appendConnections);
  return opened;
}

/** What is served, beside health and reflection. */
const SERVICES = [AuditService, DeadLetterService, CatalogService, ReconstructionService];

async function startServer(
  config: Config,
  stores: Stores,
  readers: { readonly events: EventsReader; readonly reconstruction: ReconstructionServiceParts },
  catalog: CatalogServiceParts,
  { metrics, tracer, log }: Telemetry,
): Promise<RpcServer> {
  const { writer } = stores.log;
  const observer = createAppendMetrics(metrics, log);
  let connections = 0;
  metrics.connections.observe((report) => report(connections));
  return startRpcServer({
    ...config,
    routes: [
      auditRoutes({
        writer,
        reader: readers.events,
        log,
        version: VERSION,
        maxRequestBytes: config.maxRequestBytes,
        stores: () => stores.state,
        onAnswered: (outcome, category) => observer.answered(outcome, category),
      }),
      deadLetterRoutes({ writer, log, stores: () => stores.state, queue: stores.queue }),
      catalogRoutes(catalog),
      reconstructionRoutes(readers.reconstruction),
    ],
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
