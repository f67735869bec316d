import { createServer as createHttp1Server, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { setTimeout as delay } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { Health as HealthService } from "../../gen/ts/health/v1/health_pb.ts";
import { Fault } from "../fault.ts";
import type { RpcTelemetry } from "./call.ts";
import { type ConnectionParts, type ConnectionTerms, Http1Connection, Http2Connection } from "./connection.ts";
import { Connections } from "./connections.ts";
import { toConnectError } from "./errors.ts";
import type { NodeRequest, NodeResponse } from "./exchange.ts";
import { createRequestHandler, MAX_REPLY_BYTES } from "./handler.ts";
import { createHealth, type Health } from "./health.ts";
import { HandlersAtWork } from "./interceptors.ts";
import { listen } from "./listener.ts";
import { type Authorize, authorize } from "./principal.ts";
import { REFLECTION_SERVICES, reflectionRoutes } from "./reflection.ts";
import { RequestMemory } from "./request_memory.ts";
import type { Resources } from "./resources.ts";
import type { TlsFiles } from "./tls.ts";

/** What a server serves, where, and within what bounds. Times in milliseconds. */
export interface RpcServerOptions extends ConnectionTerms {
  /** Port 0 takes a free one. */
  readonly address: { readonly host: string; readonly port: number };
  /** Absent: plain text. */
  readonly tls?: TlsFiles | undefined;
  /** Longest request message in bytes, on the wire and after decompression. */
  readonly maxRequestBytes: number;
  /** Bytes that requests may take between the wire and the end of their handling; absent: 32 of the longest messages. */
  readonly requestMemoryBytes?: number | undefined;
  readonly maxConnections: number;
  /** Calls at once over one HTTP/2 connection. */
  readonly maxConcurrentStreams: number;
  /** What is served besides health and reflection. */
  readonly routes: readonly ((router: ConnectRouter) => void)[];
  /** What is served by plain HTTP. Whoever can connect may read it. */
  readonly resources?: readonly Resources[] | undefined;
  /** The services of `routes`, for health and reflection. */
  readonly services: readonly DescService[];
  /** Run around every handler, the first outermost, within tracing and the mapping of errors. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  readonly telemetry: RpcTelemetry;
  readonly log: Logger;
  /** Absent: everyone who can connect may call everything. */
  readonly authorize?: Authorize | undefined;
  /** Told the number of open connections whenever it changes. */
  readonly onConnections?: ((count: number) => void) | undefined;
  /** How long a new connection may stay silent. */
  readonly greetingMs?: number | undefined;
  /** How often the TLS files are looked at. */
  readonly tlsReloadMs?: number | undefined;
}

/** A server that is listening. */
export interface RpcServer {
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  readonly health: Health;
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Bytes that requests take now. */
  readonly requestBytes: () => number;
  /**
   * Closes in order: health says NOT_SERVING, no connection is accepted, every client is asked to go (GOAWAY,
   * `Connection: close`) and long calls to end; calls under way are waited for. Those that are still there after
   * `timeoutMs` end with UNAVAILABLE, and their connections are closed. Resolves when all connections are closed.
   */
  close(options: { readonly timeoutMs: number }): Promise<void>;
}

/** How long calls that are cut off may take to say so, in milliseconds. */
const CUT_MS = 250;

/** A header block may be this long, in bytes; gRPC metadata beyond 8 KiB is refused in many places anyway. */
const MAX_HEADER_BYTES = 32 * 1024;

/**
 * Starts a server for gRPC, gRPC-Web and Connect on one port, over HTTP/2 and HTTP/1.1, with health and reflection.
 * Rejects where the address cannot be bound or the TLS files cannot be used.
 */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { log, services } = options;
  const health = createHealth(services);
  const atWork = new HandlersAtWork();
  const cut = new AbortController();
  const memory = requestMemory(options);
  const connections = new Connections(options.onConnections);
  const handler = createRequestHandler({
    maxRequestBytes: options.maxRequestBytes,
    routes: [...options.routes, health.routes, reflectionRoutes([...services, HealthService, ...REFLECTION_SERVICES])],
    resources: options.resources ?? [],
    interceptors: options.interceptors ?? [],
    authorize: options.authorize ?? authorize,
    telemetry: options.telemetry,
    log,
    atWork,
    cut: cut.signal,
    connectionOf: (request) => connections.of(request),
  });
  const http2 = http2Server(options, handler);
  const http1 = http1Server(connections, handler);
  let accepted: ConnectionParts | undefined;
  http2.on("session", (session: ServerHttp2Session) => {
    if (accepted === undefined) return session.destroy();
    session.on("error", (error) => log.debug({ err: error }, "HTTP/2 connection failed"));
    connections.add(accepted.socket, session, new Http2Connection(session, accepted, options));
  });
  const listener = await listen({
    ...options,
    accept: (socket, version, principal) => {
      const parts = { socket, principal, memory: memory.share() };
      if (version === "h2") {
        accepted = parts;
        http2.emit("connection", socket);
        accepted = undefined;
      } else {
        connections.add(socket, socket, new Http1Connection(parts, options));
        http1.emit("connection", socket);
      }
    },
  });
  const { address: host, port } = listener.address;
  log.info({ host, port, tls: options.tls !== undefined }, "serving gRPC, gRPC-Web and Connect");
  const close = async (timeoutMs: number): Promise<void> => {
    health.drain();
    listener.close();
    connections.retire();
    const ended = Promise.all([connections.none(), atWork.idle()]);
    if (!(await within(timeoutMs, ended))) {
      log.warn(
        { calls: atWork.count, connections: connections.count },
        "calls are cut off by the bound of the shutdown",
      );
      cut.abort(toConnectError(shuttingDown(), log));
      await within(CUT_MS, ended);
      connections.destroy();
      await connections.none();
    }
    http1.close();
    http2.close();
  };
  let closing: Promise<void> | undefined;
  return {
    address: { host, port },
    health,
    connections: () => connections.count,
    requestBytes: () => memory.usedBytes,
    close: ({ timeoutMs }) => {
      closing ??= close(timeoutMs);
      return closing;
    },
  };
}

type Handler = (request: NodeRequest, response: NodeResponse) => void;

function http2Server(options: RpcServerOptions, handler: Handler) {
  const settings = {
    initialWindowSize: options.streamWindowBytes,
    maxConcurrentStreams: options.maxConcurrentStreams,
    maxHeaderListSize: MAX_HEADER_BYTES,
    enablePush: false,
  };
  // In megabytes: what waits to be sent, above all. Over it, new calls are refused until the client has read.
  const maxSessionMemory = Math.ceil(Math.max(2 * options.connectionWindowBytes, 4 * MAX_REPLY_BYTES) / 1e6);
  return createHttp2Server({ settings, maxSessionMemory }, handler);
}

function http1Server(connections: Connections, handler: Handler) {
  const server = createHttp1Server(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 10_000, keepAliveTimeout: 60_000 },
    (request, response: ServerResponse) => {
      (connections.of(request) as Http1Connection).serve(response);
      handler(request, response);
    },
  );
  // It never listens itself, and begins to enforce its timeouts with this event only.
  server.emit("listening");
  return server;
}

function requestMemory({ maxRequestBytes, requestMemoryBytes }: RpcServerOptions): RequestMemory {
  return new RequestMemory(Math.max(requestMemoryBytes ?? 32 * maxRequestBytes, 4 * maxRequestBytes));
}

function shuttingDown(): Fault {
  return new Fault("unavailable", "the service is shutting down; what became of the request is unknown", {
    reason: "SHUTTING_DOWN",
  });
}

/** Whether a promise settles within a time. */
async function within(timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
