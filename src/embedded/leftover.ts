import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "./log.ts";
import { commandOf, endProcess } from "./process.ts";

interface Kind {
  readonly name: string;
  /** Where the server writes its process id, below the data folder; the id is the first line. */
  readonly pidFile: string;
  /** What its command line holds, below the data folder: tells it from a program that got its process id later. */
  readonly argument: string;
  readonly signal: NodeJS.Signals;
}

const kinds = {
  postgres: { name: "PostgreSQL", pidFile: "postgres/postmaster.pid", argument: "postgres", signal: "SIGINT" },
  valkey: { name: "Valkey", pidFile: "valkey/valkey.pid", argument: "valkey/valkey.conf", signal: "SIGTERM" },
} as const satisfies Record<string, Kind>;

/** The longest that the orderly end of a server may take, in milliseconds. */
const endLimitMs = 60_000;

/**
 * Ends a server on our data that outlived its starter: its leash may still be at it, or may be gone as well. The caller holds
 * the data folder, so nobody else can be using that server.
 *
 * @returns the process id that the server left behind, which from then on is nobody, a zombie that nobody has reaped, or
 * another program's; undefined when there is none
 */
export async function endLeftover(kind: keyof typeof kinds, dataDir: string, log: Log): Promise<number | undefined> {
  const { name, pidFile, argument, signal } = kinds[kind];
  const pid = Number(firstLine(join(dataDir, pidFile)));
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const command = await commandOf(pid);
  if (command?.includes(join(dataDir, argument))) {
    log.warn({ pid }, `a ${name} of an earlier start (pid ${pid}) is still there, waiting for its end`);
    await endProcess(pid, signal, endLimitMs);
  }
  return pid;
}

function firstLine(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[0];
  } catch {
    return undefined;
  }
}
