import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { trace } from "@opentelemetry/api";
import { pino } from "pino";
import {
  AuditService,
  type IngestEventsRequest,
  type IngestEventsResponseSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { drainingKey, until } from "../../src/rpc/interceptors.ts";
import { type RpcServer, type RpcServerOptions, startRpcServer } from "../../src/rpc/server.ts";

export const MIB = 1024 * 1024;

/** The error with which a call fails. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConnectError, "the call fails");
  return error;
}

/** A call as telemetry was told of it. */
export interface RecordedCall {
  readonly method: string;
  readonly protocol: string;
  readonly code: string;
}

/** A server for a test, with what it logged and measured. */
export interface TestServer extends RpcServer {
  readonly url: string;
  readonly logs: readonly Record<string, unknown>[];
  readonly calls: readonly RecordedCall[];
  /** Resolves with the first call that telemetry was told of and that the test accepts. */
  called(accept: (call: RecordedCall) => boolean): Promise<RecordedCall>;
  /** Resolves when this has been logged. */
  logged(message: string): Promise<unknown>;
}

/** What happened, with a way to wait for what has not happened yet. */
class Happenings<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<(item: T) => void>();

  push(item: T): void {
    this.all.push(item);
    for (const told of this.#waiting) told(item);
  }

  first(accept: (item: T) => boolean): Promise<T> {
    const known = this.all.find(accept);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const told = (item: T) => {
        if (!accept(item)) return;
        this.#waiting.delete(told);
        resolve(item);
      };
      this.#waiting.add(told);
    });
  }
}

/** AuditService that takes everything: RecordEvents answers RECORDED for each event, IngestEvents for each batch. */
export const obligingAudit: Partial<ServiceImpl<typeof AuditService>> = {
  recordEvents: ({ events }) => ({
    results: events.map((event, index) => ({ eventId: event.eventId, outcome: RecordOutcome.RECORDED, index })),
  }),
  ingestEvents: (requests, context) => answerBatches(requests, context),
  getServiceInfo: () => ({ version: "test" }),
};

async function* answerBatches(
  requests: AsyncIterable<IngestEventsRequest>,
  context: HandlerContext,
): AsyncGenerator<MessageInitShape<typeof IngestEventsResponseSchema>> {
  for await (const { batchNumber, events } of until(context.values.get(drainingKey), requests)) {
    yield { batchNumber, recorded: events.length, status: { code: 0 } };
  }
}

/** Starts a server on a free port; what the test does not say is generous, so that no bound but the one under test is met. */
export async function startTestServer(
  audit: Partial<ServiceImpl<typeof AuditService>>,
  overrides: Partial<RpcServerOptions> = {},
): Promise<TestServer> {
  const logs = new Happenings<Record<string, unknown>>();
  const calls = new Happenings<RecordedCall>();
  const mixin = () => ({ trace_id: trace.getActiveSpan()?.spanContext().traceId });
  const log = pino({ level: "debug", mixin }, { write: (line: string) => logs.push(JSON.parse(line)) });
  const server = await startRpcServer({
    address: { host: "127.0.0.1", port: 0 },
    maxRequestBytes: 4 * MIB,
    maxConnections: 64,
    maxConcurrentStreams: 256,
    streamWindowBytes: 4 * MIB,
    connectionWindowBytes: 16 * MIB,
    keepaliveIntervalMs: 60_000,
    keepaliveTimeoutMs: 60_000,
    maxConnectionAgeMs: 3_600_000,
    maxConnectionAgeGraceMs: 60_000,
    routes: [(router: ConnectRouter) => router.service(AuditService, audit)],
    services: [AuditService],
    telemetry: {
      tracer: trace.getTracer("test"),
      recordCall: (method, protocol, code) => calls.push({ method, protocol, code }),
    },
    log,
    ...overrides,
  });
  const scheme = overrides.tls === undefined ? "http" : "https";
  return {
    ...server,
    url: `${scheme}://127.0.0.1:${server.address.port}`,
    logs: logs.all,
    calls: calls.all,
    called: (accept) => calls.first(accept),
    logged: (message) => logs.first(({ msg }) => msg === message),
  };
}
