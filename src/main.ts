import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { AuditService } from "../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type LogWriter, openLogWriter } from "./audit/append/log_writer.ts";
import { EventsReader } from "./audit/read/events_reader.ts";
import { auditRoutes } from "./audit/service.ts";
import type { Config } from "./config/config.ts";
import { formatHostPort } from "./config/kinds.ts";
import { Partitions } from "./custody/partitions.ts";
import { startPartitionUpkeep } from "./custody/upkeep.ts";
import { startEmbedded } from "./embedded/embedded.ts";
import { Database } from "./postgres/database.ts";
import { classifyError } from "./postgres/errors.ts";
import { migrate } from "./postgres/migrate.ts";
import { type RpcServer, startRpcServer } from "./rpc/server.ts";
import { createAppendMetrics } from "./telemetry/append_metrics.ts";
import { createAppendTrace } from "./telemetry/append_span.ts";
import { callLabels, type StatusCode } from "./telemetry/call_labels.ts";
import { startTelemetry, type Telemetry } from "./telemetry/telemetry.ts";

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

/** Milliseconds between two tries to reach a database that is not there yet. */
const DATABASE_WAIT_MS = 1000;
/** Milliseconds for appends that are still under way when the last call has ended. */
const LAST_APPENDS_MS = 2000;
/** Connections for partitions and other upkeep. */
const CUSTODY_CONNECTIONS = 2;

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
  await migrateWhenReachable(embedded.databaseUrl, telemetry);
  const pools = openPools(config, embedded.databaseUrl, telemetry);
  started.push(() => pools.end());
  const partitions = new Partitions(pools.custody, { ...config, now: () => new Date() });
  const upkeep = await startPartitionUpkeep(partitions, telemetry);
  started.push(async () => upkeep.stop());
  const health: { rpc?: RpcServer } = {};
  const setServing = (serving: boolean) => {
    health.rpc?.health.setStatus("", serving);
    health.rpc?.health.setStatus(AuditService.typeName, serving);
  };
  const log = openLog(config, embedded.databaseUrl, partitions, telemetry, setServing);
  started.push(() => log.close(LAST_APPENDS_MS));
  const rpc = await startServer(config, log, new EventsReader(pools.read, config), telemetry);
  health.rpc = rpc;
  if (!log.availability.available) setServing(false);
  started.push(() => rpc.close({ timeoutMs: config.shutdownTimeoutMs }));
  embedded.announce(formatHostPort(rpc.address));
  const { metricsAddress } = telemetry;
  return { address: rpc.address, metricsAddress, broken: embedded.broken, close: closeAll };
}

/** Applies the migrations; waits for a database that is not there yet, and says so. */
async function migrateWhenReachable(databaseUrl: string, { log }: Telemetry): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      const { applied, version } = await migrate(databaseUrl);
      log.info({ applied, version }, applied.length === 0 ? "the schema is up to date" : "the schema was migrated");
      return;
    } catch (error) {
      if (classifyError(error) !== "transient") throw error;
      if (!told) log.warn({ err: error }, "the database is not there; waiting for it");
      await delay(DATABASE_WAIT_MS);
    }
  }
}

interface Pools {
  readonly read: Database;
  readonly custody: Database;
  end(): Promise<void>;
}

function openPools({ readConnections, statementTimeoutMs }: Config, url: string, { metrics }: Telemetry): Pools {
  const open = (use: string, connections: number, planForValues: boolean) =>
    new Database({ url, connections, applicationName: `datastorage ${use}`, statementTimeoutMs, planForValues });
  const read = open("read", readConnections, true);
  const custody = open("custody", CUSTODY_CONNECTIONS, false);
  metrics.poolConnections.observe((report) => {
    const active = Math.min(read.running, readConnections);
    report(active, { pool: "read", state: "active" });
    report(readConnections - active, { pool: "read", state: "idle" });
    report(read.running - active, { pool: "read", state: "waiting" });
  });
  return {
    read,
    custody,
    async end() {
      await Promise.all([read.end(), custody.end()]);
    },
  };
}

function openLog(
  config: Config,
  databaseUrl: string,
  partitions: Partitions,
  { metrics, tracer, log }: Telemetry,
  onAvailable: (available: boolean) => void,
): LogWriter {
  const observer = createAppendMetrics(metrics, log);
  const opened = openLogWriter({
    ...config,
    databaseUrl,
    lanes: config.appendConnections,
    lingerMs: config.appendLingerMs,
    ensureMonths: (dates) => partitions.ensureMonths(dates),
    observer,
    traceAppend: createAppendTrace(tracer),
    onAvailability(available, cause) {
      if (available) log.info("the database is back");
      else log.error({ err: cause }, "the database is away; events are refused until it is back");
      onAvailable(available);
    },
  });
  const { writer, availability } = opened;
  metrics.databaseUp.observe((report) => report(availability.available ? 1 : 0));
  metrics.writerPendingEvents.observe((report) => report(writer.fill.events));
  metrics.writerPendingBytes.observe((report) => report(writer.fill.bytes));
  metrics.writerWaitingCallers.observe((report) => report(writer.fill.waitingCallers));
  metrics.writerPendingLimit.observe((report) => {
    report(writer.fill.eventLimit, { of: "events" });
    report(writer.fill.byteLimit, { of: "bytes" });
  });
  metrics.poolConnections.observe((report) => {
    report(writer.activeLanes, { pool: "append", state: "active" });
    report(config.appendConnections - writer.activeLanes, { pool: "append", state: "idle" });
  });
  return opened;
}

async function startServer(
  config: Config,
  { writer }: LogWriter,
  reader: EventsReader,
  { metrics, tracer, log }: Telemetry,
): Promise<RpcServer> {
  const observer = createAppendMetrics(metrics, log);
  let connections = 0;
  metrics.connections.observe((report) => report(connections));
  return startRpcServer({
    ...config,
    routes: [
      auditRoutes({
        writer,
        reader,
        log,
        version: VERSION,
        maxRequestBytes: config.maxRequestBytes,
        onAnswered: (outcome, category) => observer.answered(outcome, category),
      }),
    ],
    services: [AuditService],
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
