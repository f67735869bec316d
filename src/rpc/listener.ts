import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { ANONYMOUS, type Principal, principalOfTls } from "./principal.ts";
import { lifetimeOf, readTls, type TlsFiles, type TlsMaterial, watchTls } from "./tls.ts";

/** Time for a TLS handshake, and for the first bytes of a connection in plain text, in milliseconds. */
const GREETING_MS = 10_000;

/** How often TLS files are looked at, in milliseconds. */
const TLS_RELOAD_MS = 5_000;

/** How often refused connections are told of, in milliseconds. */
const REFUSALS_MS = 10_000;

/** With what every HTTP/2 connection begins (RFC 9113, 3.4). No HTTP/1.1 request begins so. */
const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface ListenerOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls?: TlsFiles | undefined;
  /** Connections at once; one more is closed as soon as it is accepted. */
  readonly maxConnections: number;
  readonly keepaliveIntervalMs: number;
  readonly greetingMs?: number | undefined;
  readonly tlsReloadMs?: number | undefined;
  readonly log: Logger;
  /** Takes a connection, once it is known who and what speaks. */
  readonly accept: (socket: Socket, version: "http/1.1" | "h2", principal: Principal) => void;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Accepts no more, and drops those that have not said anything yet. Open connections stay. */
  close(): void;
}

/**
 * Listens on one port for HTTP/2 and HTTP/1.1. With TLS, ALPN tells them apart; a client without ALPN speaks HTTP/1.1.
 * In plain text the first bytes do. Rejects where the address cannot be bound or the TLS files cannot be used.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const greeting = new Set<Socket>();
  const { server, stopWatching } = await (options.tls === undefined
    ? plainServer(options, greeting)
    : tlsServer(options, options.tls, greeting));
  server.maxConnections = options.maxConnections;
  logRefusals(server, options);
  await bind(server, options.address);
  return {
    address: server.address() as AddressInfo,
    close: () => {
      stopWatching();
      server.close();
      for (const socket of greeting) socket.destroy();
    },
  };
}

/** Tells of connections over the limit: of the first, and of how many there were whenever REFUSALS_MS have passed. */
function logRefusals(server: Server, { maxConnections, log }: ListenerOptions): void {
  let refused = 0;
  let pause: NodeJS.Timeout | undefined;
  const tell = () => {
    pause = undefined;
    if (refused === 0) return;
    log.warn({ max_connections: maxConnections, refused }, "connections were refused");
    refused = 0;
    pause = setTimeout(tell, REFUSALS_MS).unref();
  };
  server.on("drop", () => {
    refused += 1;
    if (pause === undefined) tell();
  });
}

interface Accepting {
  readonly server: Server;
  readonly stopWatching: () => void;
}

function plainServer({ accept, keepaliveIntervalMs, greetingMs }: ListenerOptions, greeting: Set<Socket>): Accepting {
  const server = createTcpServer(tcpOptions(keepaliveIntervalMs), (socket) => {
    socket.on("error", () => {});
    greet(socket, greeting, greetingMs ?? GREETING_MS, (version) => accept(socket, version, ANONYMOUS));
  });
  return { server, stopWatching: () => {} };
}

async function tlsServer(options: ListenerOptions, files: TlsFiles, greeting: Set<Socket>): Promise<Accepting> {
  const { log, accept } = options;
  const material = await readTls(files);
  log.info(lifetimeOf(material), "TLS certificate in use");
  const clientCertificates = files.clientCaFile !== undefined;
  const server = createTlsServer({
    ...tcpOptions(options.keepaliveIntervalMs),
    ...material,
    ALPNProtocols: ["h2", "http/1.1"],
    requestCert: clientCertificates,
    rejectUnauthorized: clientCertificates,
    handshakeTimeout: options.greetingMs ?? GREETING_MS,
  });
  const shaking = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const peer = peerOf(socket);
    shaking.set(peer, socket);
    greeting.add(socket);
    socket.once("close", () => {
      greeting.delete(socket);
      if (shaking.get(peer) === socket) shaking.delete(peer);
    });
  });
  server.on("tlsClientError", (error) => log.debug({ err: error }, "TLS handshake failed"));
  server.on("secureConnection", (socket: TLSSocket) => {
    // The socket below is another object, which nothing public leads to from here.
    const below = shaking.get(peerOf(socket));
    if (below !== undefined) greeting.delete(below);
    socket.on("error", () => {});
    accept(socket, socket.alpnProtocol === "h2" ? "h2" : "http/1.1", principalOfTls(socket));
  });
  const renew = (renewed: TlsMaterial) => server.setSecureContext(renewed);
  const watch = watchTls(files, material, options.tlsReloadMs ?? TLS_RELOAD_MS, log, renew);
  return { server, stopWatching: watch.close };
}

function tcpOptions(keepaliveIntervalMs: number) {
  return { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepaliveIntervalMs };
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

/** Reads until the first bytes tell the version of HTTP, puts them back, and drops who takes too long over it. */
function greet(
  socket: Socket,
  greeting: Set<Socket>,
  withinMs: number,
  known: (version: "http/1.1" | "h2") => void,
): void {
  let heard: Buffer = Buffer.alloc(0);
  greeting.add(socket);
  const timer = setTimeout(() => socket.destroy(), withinMs);
  const done = () => {
    clearTimeout(timer);
    greeting.delete(socket);
    socket.off("data", hear).off("end", done).off("close", done);
  };
  const hear = (bytes: Buffer) => {
    heard = heard.byteLength === 0 ? bytes : Buffer.concat([heard, bytes]);
    const version = versionOf(heard);
    if (version === undefined) return;
    done();
    socket.pause();
    socket.unshift(heard);
    known(version);
    if (version === "http/1.1") socket.resume();
  };
  socket.on("data", hear).once("end", done).once("close", done);
}

/** The version of HTTP that a connection begins with; undefined while the bytes could still become either. */
export function versionOf(bytes: Uint8Array): "http/1.1" | "h2" | undefined {
  const length = Math.min(bytes.byteLength, PREFACE.byteLength);
  if (!PREFACE.subarray(0, length).equals(bytes.subarray(0, length))) return "http/1.1";
  return length === PREFACE.byteLength ? "h2" : undefined;
}

function bind(server: Server, { host, port }: ListenerOptions["address"]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
