import { Redis } from "ioredis";

/** The commands of one connection. */
export type Commands = Redis;

/** Milliseconds that any command may take; after that the link counts as dead, whatever the network says about it. */
export const COMMAND_MS = 3000;
const KEEPALIVE_MS = 5000;
/** Milliseconds for an orderly end of a connection before it is cut. */
const CUT_MS = 100;

/** One TCP connection, never made again: what is sent on it is sent once. */
export interface Link {
  readonly redis: Commands;
  /** Resolves with why when the connection is gone. */
  readonly ended: Promise<string>;
  close(): void;
}

/**
 * Connects. Nothing waits in a queue while there is no connection, and nothing is sent again on another one: a command
 * whose answer is lost may have been done, and done twice it would queue events twice.
 *
 * @throws Error with what the server or the network said.
 */
export async function openLink(url: string, name: string): Promise<Link> {
  const redis = new Redis(url.replace(/^valkey(s?):/, "redis$1:"), {
    lazyConnect: true,
    protocol: 2,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: COMMAND_MS,
    commandTimeout: COMMAND_MS,
    disconnectTimeout: CUT_MS,
    keepAlive: KEEPALIVE_MS,
    noDelay: true,
    disableClientInfo: true,
    connectionName: name,
  });
  let said: Error | undefined;
  redis.on("error", (error: Error) => {
    said ??= error;
  });
  const ended = new Promise<string>((resolve) =>
    redis.once("end", () => resolve(said?.message ?? "the connection was closed")),
  );
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw said ?? error;
  }
  return { redis, ended, close: () => redis.disconnect() };
}
