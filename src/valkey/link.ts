import { Redis } from "ioredis";
import { reasonOf } from "./errors.ts";

/** The commands of one connection. */
export type Commands = Redis;

/** Milliseconds of silence while an answer is owed, after which the link counts as dead, whatever the network says of it. */
export const SILENCE_MS = 3000;
/** Milliseconds that any command may take: a long answer on a slow link comes in pieces. */
const COMMAND_MS = 15_000;
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
 * @param signal ends the connection also while it is being made.
 * @throws Error with what the server or the network said.
 */
export async function openLink(url: string, name: string, signal: AbortSignal): Promise<Link> {
  const redis = new Redis(url.replace(/^valkey(s?):/, "redis$1:"), {
    lazyConnect: true,
    protocol: 2,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
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
    redis.once("end", () => resolve(said === undefined ? "the connection was closed" : reasonOf(said))),
  );
  const close = () => redis.disconnect();
  signal.addEventListener("abort", close, { once: true });
  void ended.then(() => signal.removeEventListener("abort", close));
  try {
    signal.throwIfAborted();
    await redis.connect();
  } catch (error) {
    close();
    throw said ?? error;
  }
  return { redis, ended, close };
}
