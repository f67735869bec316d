import net from "node:net";
import postgres from "postgres";

export type Sql = postgres.Sql<Record<string, never>>;

export interface PoolOptions {
  /** postgres:// URL; `sslmode` and the other libpq parameters are honoured. */
  readonly url: string;
  /** Connections at most. They are opened when first needed. */
  readonly connections: number;
  /** What pg_stat_activity shows. */
  readonly applicationName: string;
  /** After this the server itself cancels a statement; 0: never. */
  readonly statementTimeoutMs: number;
  /**
   * Plan each statement for the values it comes with. For statements that read: a plan for any values cannot know how common
   * one is, and sorts a million events where an index has them in order.
   */
  readonly planForValues?: boolean;
  /**
   * The server itself ends a connection over which nothing was said for so long: that of a process which stopped without a word
   * gives up its locks. Absent: never.
   */
  readonly idleSessionTimeoutMs?: number;
  /** Told of each notification on a channel that a connection listens to. */
  readonly onNotify?: (channel: string, payload: string) => void;
  /** Told when a connection closes, for gauges. */
  readonly onClose?: () => void;
}

/** Seconds that connecting may take before it counts as unavailable. */
const CONNECT_TIMEOUT_S = 5;

/** How values come back: dates and times as PostgreSQL's own text, to the microsecond; never through a Date. */
const TEXT_TIMES = {
  date: { to: 1184, from: [1082, 1114, 1184], serialize: (text: string) => text, parse: (text: string) => text },
};

/**
 * Opens a pool of PostgreSQL connections.
 *
 * - Sockets have TCP_NODELAY: without it a small write waits 40 ms and more for a delayed ACK.
 * - One statement at a time on each connection, so that none waits behind a slow one that happens to share it. (With
 *   `max_pipeline: 1` postgres.js would send a second; with 0 it cannot do sql.begin, which is no loss: see
 *   test/postgres/postgres_js_traps.test.ts.)
 * - A refused connection is an error at once and the next statement tries anew; there is no growing pause in between.
 */
export function openPool(options: PoolOptions): Sql {
  return postgres(options.url, {
    max: options.connections,
    max_pipeline: 0,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_S,
    idle_timeout: 0,
    max_lifetime: null,
    backoff: () => 0,
    socket: (resolved: SocketTarget) => dial(resolved),
    types: TEXT_TIMES as never,
    onnotice: () => {},
    ...(options.onClose ? { onclose: options.onClose } : {}),
    ...(options.onNotify ? { onnotify: options.onNotify } : {}),
    connection: {
      application_name: options.applicationName,
      TimeZone: "UTC",
      DateStyle: "ISO",
      synchronous_commit: "on",
      jit: "off",
      ...(options.planForValues ? { plan_cache_mode: "force_custom_plan" } : {}),
      ...(options.idleSessionTimeoutMs ? { idle_session_timeout: options.idleSessionTimeoutMs } : {}),
      statement_timeout: options.statementTimeoutMs,
    } as never,
  } as postgres.Options<Record<string, never>>) as unknown as Sql;
}

interface SocketTarget {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false;
}

/**
 * Starts connecting and returns at once: postgres.js writes into the socket's buffer meanwhile. (Were the promise to
 * reject, it would count the connection as still connecting for good.) `host` is what it takes the TLS server name from.
 *
 * - A connection that the other side ends is an error: one that ends while it is being opened, as a balancer without a
 *   server behind it does, postgres.js would open again at once, and again, for ever.
 * - Its close is never told as that of an error: between an error and the close, postgres.js still sends statements over the
 *   socket, and when the close comes with an error it leaves them without an answer, for ever.
 */
function dial(target: SocketTarget): net.Socket {
  const host = target.host[0] ?? "localhost";
  const socket = target.path
    ? net.connect({ path: target.path })
    : net.connect({ host, port: target.port[0] ?? 5432, noDelay: true });
  socket.on("end", () => socket.destroy(new ConnectionEnded("the database ended the connection")));
  const emit = socket.emit as (event: string | symbol, ...args: unknown[]) => boolean;
  socket.emit = (event: string | symbol, ...args: unknown[]) =>
    emit.call(socket, event, ...(event === "close" ? [false] : args));
  return target.path ? socket : Object.assign(socket, { host });
}

/** Classed as a lost connection. */
class ConnectionEnded extends Error {
  readonly code = "CONNECTION_ENDED_BY_PEER";
}
