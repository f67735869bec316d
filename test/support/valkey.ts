import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { PROOF_KEY } from "../../src/deadletter/keys.ts";
import { type QueueLimits, QueueStore, type QueueStoreOptions } from "../../src/deadletter/queue_store.ts";
import { type EmbeddedValkey, startValkey } from "../../src/embedded/valkey.ts";
import { Valkey, type ValkeyOptions, type ValkeyState } from "../../src/valkey/valkey.ts";

// Fetched once, not for every run.
const programsDir = fileURLToPath(new URL("../../node_modules/.cache/datastorage", import.meta.url));

/**
 * Has a Valkey fetched where none was so far. To be called once before tests that run beside each other: they would all
 * fetch into one folder. Where it cannot be had, each test that needs one says why.
 */
export async function fetchTestValkey(): Promise<void> {
  if (existsSync(join(programsDir, "valkey"))) return;
  const valkey = await startTestValkey().catch((error: Error) => error.message);
  if (typeof valkey !== "string") await valkey.stop();
}

/** A Valkey of a test's own; gone when the process is. */
export interface TestValkey {
  readonly url: string;
  readonly port: number;
  /** A connection to look and to meddle; ended with the server. */
  readonly admin: Redis;
  /** As `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Takes away its data; to be called while it is killed. */
  wipe(): Promise<void>;
  /** Starts it again after `kill`, on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Valkey in a temporary folder. Gives the reason where none can be had, for `t.skip`; throws there in continuous
 * integration, where a proof that is skipped proves nothing.
 */
export async function startTestValkey(): Promise<TestValkey | string> {
  mkdirSync(programsDir, { recursive: true });
  const dataDir = await mkdtemp(join(tmpdir(), "datastorage-test-valkey-"));
  const said: string[] = [];
  const log = { info() {}, warn: (_facts: object, message: string) => void said.push(message) };
  const start = (port: number) => startValkey({ dataDir, log, port, programsDir });
  let server = await start(0);
  if (server === undefined) {
    await rm(dataDir, { recursive: true, force: true });
    const reason = `no Valkey: ${said.at(-1) ?? "it cannot be had"}`;
    if (process.env["CI"] === "true") throw new Error(reason);
    return reason;
  }
  const { url } = server;
  const port = Number(new URL(url).port);
  const admin = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  admin.on("error", () => {}); // It is killed on purpose.
  return {
    url,
    port,
    admin,
    async kill() {
      process.kill(Number(readFileSync(join(dataDir, "valkey", "valkey.pid"), "utf8")), "SIGKILL");
      await (server as EmbeddedValkey).ended;
    },
    wipe: () => rm(join(dataDir, "valkey", "appendonlydir"), { recursive: true }),
    async restart() {
      server = await start(port);
      if (server?.url !== url) throw new Error(`Valkey did not come back at its port ${port}`);
    },
    async stop() {
      admin.disconnect();
      await server?.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Entries of a log that a test reads. */
export interface NotedLog {
  readonly lines: { readonly level: "info" | "warn" | "error"; readonly facts: object; readonly message: string }[];
  readonly log: ValkeyOptions["log"];
}

export function notedLog(): NotedLog {
  const lines: NotedLog["lines"] = [];
  const at = (level: "info" | "warn" | "error") => (facts: object | string, message?: string) =>
    void lines.push(
      typeof facts === "string" ? { level, facts: {}, message: facts } : { level, facts, message: message ?? "" },
    );
  return { lines, log: { info: at("info"), warn: at("warn"), error: at("error") } as ValkeyOptions["log"] };
}

export interface OpenStore extends NotedLog {
  readonly valkey: Valkey;
  readonly store: QueueStore;
  /** Resolves when the connection is in this state. */
  reaches(state: ValkeyState): Promise<void>;
  close(): Promise<void>;
}

export const ROOMY: QueueLimits = { entries: 1000, bytes: 2 ** 26, deadLetters: 1000, deadLetterBytes: 2 ** 26 };

/** A process's store over a Valkey. */
export function openStore(
  url: string,
  { limits = ROOMY, ...options }: Partial<Pick<QueueStoreOptions, "limits" | "onWiped">> = {},
): OpenStore {
  const noted = notedLog();
  const waiters = new Set<() => void>();
  const valkey = new Valkey({
    url,
    log: noted.log,
    proofKey: PROOF_KEY,
    onState: () => waiters.forEach((look) => void look()),
  });
  const store = new QueueStore({ valkey, limits, log: noted.log, ...options });
  return {
    ...noted,
    valkey,
    store,
    reaches: (state) =>
      new Promise((resolve) => {
        const look = () => {
          if (valkey.state !== state) return;
          waiters.delete(look);
          resolve();
        };
        waiters.add(look);
        look();
      }),
    async close() {
      store.close();
      await valkey.close();
    },
  };
}
