import type { ServerResponse } from "node:http";
import { constants, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Principal } from "./principal.ts";
import type { MemoryShare } from "./request_memory.ts";
import { grownWindow, shrunkWindow, type Windows } from "./windows.ts";

/** Bounds for every connection; all times in milliseconds. */
export interface ConnectionTerms extends Windows {
  /** How often a PING asks an HTTP/2 peer whether it is still there. */
  readonly keepaliveIntervalMs: number;
  /** Within what time it must answer, or send anything at all. */
  readonly keepaliveTimeoutMs: number;
  /** After what time a connection is asked to go, so that balancers can spread clients anew; each ±10 %. */
  readonly maxConnectionAgeMs: number;
  /** How long calls may still go on then. */
  readonly maxConnectionAgeGraceMs: number;
}

/** One connection of a client. */
export interface Connection {
  readonly principal: Principal;
  /** What its requests take of the memory for requests. */
  readonly memory: MemoryShare;
  /** Aborted when the connection is to go: long calls should settle what they began, and end. */
  readonly draining: AbortSignal;
  /** Asks the client to go; the connection closes when the calls under way have ended. */
  retire(why: "age" | "shutdown"): void;
  /** Closes at once. */
  destroy(): void;
}

/** What a connection is made from. */
export interface ConnectionParts {
  readonly socket: Socket;
  readonly principal: Principal;
  readonly memory: MemoryShare;
}

/** A connection over which HTTP/2 is spoken. */
export class Http2Connection implements Connection {
  readonly principal: Principal;
  readonly memory: MemoryShare;
  readonly #socket: Socket;
  readonly #session: ServerHttp2Session;
  readonly #terms: ConnectionTerms;
  readonly #draining = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #window: number;
  #openStreams = 0;

  constructor(session: ServerHttp2Session, { socket, principal, memory }: ConnectionParts, terms: ConnectionTerms) {
    this.principal = principal;
    this.memory = memory;
    this.#socket = socket;
    this.#session = session;
    this.#terms = terms;
    this.#window = terms.streamWindowBytes;
    session.setLocalWindowSize(terms.connectionWindowBytes);
    session.on("stream", (stream) => {
      this.#countStreams(1);
      stream.once("close", () => this.#countStreams(-1));
    });
    session.on("localSettings", () => this.#fitWindow());
    this.#keepAlive();
    this.#timers.push(retirement(this, terms));
    socket.once("close", () => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#draining.abort();
    });
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  retire(): void {
    if (this.#draining.signal.aborted) return;
    this.#draining.abort();
    // One GOAWAY with the last stream that was taken. A call that crosses it is refused unseen (REFUSED_STREAM), which gRPC
    // clients send again by themselves. The gentler pair of GOAWAYs cannot be had: after the first, Node ignores new streams.
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
  }

  destroy(): void {
    if (!this.#session.destroyed) this.#session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
    this.#socket.destroy();
  }

  #keepAlive(): void {
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = this.#terms;
    let unsettled = false;
    const ask = () => {
      if (this.#session.destroyed) return;
      // Who answers PINGs and never acknowledges a smaller window wants more memory than it is given.
      if (unsettled && this.#session.pendingSettingsAck) return this.destroy();
      unsettled = this.#session.pendingSettingsAck;
      const heard = this.#socket.bytesRead;
      const dead = setTimeout(() => {
        if (this.#socket.bytesRead === heard) this.destroy();
      }, keepaliveTimeoutMs).unref();
      this.#session.ping(() => clearTimeout(dead));
    };
    this.#timers.push(setInterval(ask, keepaliveIntervalMs).unref());
  }

  #countStreams(change: number): void {
    this.#openStreams += change;
    this.#fitWindow();
  }

  /**
   * Lets all open streams together have the window of the connection and no more. Node gives the connection's window back
   * as soon as bytes arrive, read or not, so that only the windows of its streams bound what an HTTP/2 peer can make it keep.
   */
  #fitWindow(): void {
    const session = this.#session;
    if (session.destroyed || session.closed || session.pendingSettingsAck) return;
    const shrunk = shrunkWindow(this.#openStreams, this.#terms);
    const window = shrunk < this.#window ? shrunk : Math.max(this.#window, grownWindow(this.#openStreams, this.#terms));
    if (window === this.#window) return;
    this.#window = window;
    session.settings({ initialWindowSize: window });
  }
}

/** A connection over which HTTP/1.1 is spoken: one call at a time. */
export class Http1Connection implements Connection {
  readonly principal: Principal;
  readonly memory: MemoryShare;
  readonly #socket: Socket;
  readonly #draining = new AbortController();
  #hurried = false;
  #response: ServerResponse | undefined;

  constructor({ socket, principal, memory }: ConnectionParts, terms: ConnectionTerms) {
    this.principal = principal;
    this.memory = memory;
    this.#socket = socket;
    const timer = retirement(this, terms);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#draining.abort();
    });
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Follows a call from its request to the end of its answer. */
  serve(response: ServerResponse): void {
    this.#response = response;
    if (this.#draining.signal.aborted) response.shouldKeepAlive = false;
    response.once("close", () => {
      if (this.#response !== response) return;
      this.#response = undefined;
      if (this.#hurried) this.#socket.destroySoon();
    });
  }

  /**
   * HTTP/1.1 can say that a connection ends only with an answer (`Connection: close`). With age there is no hurry, and the
   * next answer says it: a connection that closes by itself takes the call with it which the client is just sending.
   */
  retire(why: "age" | "shutdown"): void {
    this.#draining.abort();
    this.#hurried ||= why === "shutdown";
    if (this.#response !== undefined && !this.#response.headersSent) this.#response.shouldKeepAlive = false;
    if (this.#response === undefined && this.#hurried) this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Retires a connection at its age, and ends it when its grace is over. */
function retirement(connection: Connection, terms: ConnectionTerms): NodeJS.Timeout {
  const ageMs = terms.maxConnectionAgeMs * (0.9 + 0.2 * Math.random());
  const timer = setTimeout(() => {
    connection.retire("age");
    setTimeout(() => connection.destroy(), terms.maxConnectionAgeGraceMs).unref();
  }, ageMs);
  return timer.unref();
}
