import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { META_KEY, QUEUE_KEYS } from "../../src/deadletter/keys.ts";
import { startValkey } from "../../src/embedded/valkey.ts";

/** Fetched once for all runs and tests of this checkout. */
const programsDir = fileURLToPath(new URL("../../node_modules/.cache/datastorage", import.meta.url));

/** A Valkey of the run's own. */
export interface BenchQueue {
  /** Connects as the service does. */
  readonly url: string;
  /** What waits in both streams. */
  depth(): Promise<{ readonly entries: number; readonly bytes: number }>;
  /** Seconds until nothing waits; undefined when more than so many pass. */
  untilEmpty(seconds: number): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** @throws Error where this machine has no Valkey and none can be fetched. */
export async function startQueue(): Promise<BenchQueue> {
  mkdirSync(programsDir, { recursive: true });
  const path = await mkdtemp(join(tmpdir(), "datastorage-bench-queue-"));
  const server = await startValkey({ dataDir: path, log: { info() {}, warn() {} }, port: 0, programsDir });
  if (server === undefined) throw new Error("there is no valkey-server on this machine, and it could not be fetched");
  const redis = new Redis(server.url);
  const depth = async () => {
    const lengths = await Promise.all(Object.values(QUEUE_KEYS).map((key) => redis.xlen(key)));
    const bytes = await redis.hmget(META_KEY, ...Object.keys(QUEUE_KEYS).map((stream) => `bytes:${stream}`));
    return { entries: lengths.reduce((a, b) => a + b), bytes: bytes.reduce((sum, text) => sum + Number(text), 0) };
  };
  return {
    url: server.url,
    depth,
    async untilEmpty(seconds) {
      const begun = performance.now();
      for (;;) {
        const passed = (performance.now() - begun) / 1000;
        if ((await depth()).entries === 0) return passed;
        if (passed > seconds) return undefined;
        await wait(50);
      }
    },
    async stop() {
      redis.disconnect();
      await server.stop();
      await rm(path, { recursive: true, force: true });
    },
  };
}
