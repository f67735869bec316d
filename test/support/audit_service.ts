import { randomUUIDv7 } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import postgres from "postgres";
import { RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/ts/health/v1/health_pb.ts";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  AuditService,
  type EventResult,
  type ListEventsRequestSchema,
  RecordOutcomeSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type Config, loadConfig } from "../../src/config/config.ts";
import { serve } from "../../src/main.ts";
import { createDatabase, type TestDatabase } from "./database.ts";

export type AuditClient = Client<typeof AuditService>;

/** A client over a connection of its own, by plain gRPC over HTTP/2. */
export interface AuditCaller {
  readonly client: AuditClient;
  readonly health: Client<typeof Health>;
  close(): void;
}

/** The whole service in this process, on a database of the test's own, and a caller. */
export interface AuditTestService extends AuditCaller {
  /** Host and port. */
  readonly address: string;
  readonly database: TestDatabase;
  /** The database as its superuser. */
  readonly admin: postgres.Sql;
  /** Has something ended before the database is dropped. */
  closeFirst(close: () => Promise<unknown>): void;
  /** Ends the service alone. */
  stop(): Promise<void>;
  /** Ends the service alone, and starts it again on the same database, with other settings where some are given. */
  restart(env?: Readonly<Record<string, string>>): Promise<AuditCaller>;
}

/** Something with an `after` hook: a test's context, or node:test itself for a service that a whole file shares. */
export interface Scope {
  after(hook: () => Promise<void>): void;
}

/** The configuration of a service for a test: on a free port, silent, with few partitions to make. `env` are settings. */
export function testConfig(databaseUrl: string, env: Readonly<Record<string, string>> = {}): Config {
  return loadConfig({
    DATASTORAGE_ADDRESS: "127.0.0.1:0",
    DATASTORAGE_METRICS_ADDRESS: "off",
    DATASTORAGE_LOG_LEVEL: "silent",
    DATASTORAGE_SHUTDOWN_TIMEOUT: "2s",
    DATASTORAGE_MONTHS_AHEAD: "1",
    DATABASE_URL: databaseUrl,
    ...env,
  });
}

/**
 * Starts the service; it, its connections and its database are gone when the scope ends. `env` are settings. With
 * `databasePort` it reaches its database by that port of 127.0.0.1, where a proxy stands.
 */
export async function startAuditService(
  scope: Scope,
  env: Readonly<Record<string, string>> = {},
  databasePort?: number,
): Promise<AuditTestService> {
  const database = await createDatabase("audit");
  const databaseUrl = databasePort === undefined ? database.url : withPort(database.url, databasePort);
  const admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  let service = await serve({ config: testConfig(databaseUrl, env) });
  const callers: AuditCaller[] = [];
  const first: (() => Promise<unknown>)[] = [];
  const connect = () => {
    const caller = openCaller(`127.0.0.1:${service.address.port}`);
    callers.push(caller);
    return caller;
  };
  const end = async () => {
    await service.close();
    for (const caller of callers.splice(0)) caller.close();
  };
  scope.after(async () => {
    for (const close of first) await close();
    await end();
    await admin.end({ timeout: 1 });
    await database.drop();
  });
  return {
    ...connect(),
    address: `127.0.0.1:${service.address.port}`,
    database,
    admin,
    closeFirst: (close) => void first.push(close),
    stop: end,
    async restart(changed = env) {
      await end();
      service = await serve({ config: testConfig(databaseUrl, changed) });
      return connect();
    },
  };
}

/** The same URL with another port. */
export function withPort(text: string, port: number): string {
  const url = new URL(text);
  url.port = String(port);
  return url.href;
}

/** Opens a connection to a service. */
export function openCaller(address: string): AuditCaller {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, sessionManager });
  return {
    client: createClient(AuditService, transport),
    health: createClient(Health, transport),
    close: () => sessionManager.abort(),
  };
}

/** Resolves when the service says that it is serving, or that it is not. */
export async function untilServing(health: Client<typeof Health>, serving = true): Promise<void> {
  const wanted = serving ? HealthCheckResponse_ServingStatus.SERVING : HealthCheckResponse_ServingStatus.NOT_SERVING;
  const enough = new AbortController();
  try {
    const told = health.watch({ service: AuditService.typeName }, { signal: enough.signal });
    for await (const { status } of told) if (status === wanted) return;
  } finally {
    // To leave the loop is not enough for the call to end.
    enough.abort();
  }
  throw new Error("the service stopped telling its health");
}

/** An event that keeps every rule; `fields` change it. */
export function newEvent(fields: MessageInitShape<typeof AuditEventSchema> = {}): AuditEvent {
  return create(AuditEventSchema, {
    eventId: randomUUIDv7(),
    eventTimestamp: timestampFromDate(new Date()),
    eventType: "gateway.signal.received",
    eventOutcome: EventOutcome.SUCCESS,
    correlationId: "rr-test",
    ...fields,
  });
}

/** `count` events of one correlation. */
export function newEvents(count: number, fields: MessageInitShape<typeof AuditEventSchema> = {}): AuditEvent[] {
  return Array.from({ length: count }, () => newEvent(fields));
}

/** The outcomes of results as words: `RECORDED`, `DUPLICATE` … */
export function outcomes(results: readonly EventResult[]): string[] {
  return results.map(
    ({ outcome }) => RecordOutcomeSchema.value[outcome]?.name.replace("RECORD_OUTCOME_", "") ?? "none",
  );
}

/** Every page of a list, one after the other. */
export async function listAll(
  client: AuditClient,
  request: MessageInitShape<typeof ListEventsRequestSchema>,
): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let pageToken = ""; ; ) {
    const page = await client.listEvents({ ...request, pageToken } as typeof request);
    events.push(...page.events);
    pageToken = page.nextPageToken;
    if (pageToken === "") return events;
  }
}

/** The error that a call ends with: its code as a word, its retry delay in milliseconds, and itself. */
export async function errorOf(
  call: Promise<unknown>,
): Promise<{ code: string; retryMs: number | undefined; error: ConnectError }> {
  try {
    await call;
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [retry] = error.findDetails(RetryInfoSchema);
    const delay = retry?.retryDelay;
    return {
      code: Code[error.code] as string,
      retryMs: delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
      error,
    };
  }
  throw new Error("the call succeeded");
}
