import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { type EmbeddedValkey, startValkey } from "../../src/embedded/valkey.ts";
import { KeptServer, type Life } from "./kept_server.ts";

/** Fetched once for all runs and tests of this checkout. */
const programsDir = fileURLToPath(new URL("../../node_modules/.cache/datastorage", import.meta.url));

/** A Valkey that can be killed, stopped, wiped and started again. */
export interface StageValkey {
  readonly server: KeptServer;
  /** As the service connects, but without a proxy before it. */
  readonly url: string;
  port(): number;
  run<T>(use: (redis: Redis) => Promise<T>): Promise<T>;
  /** Ends it and starts it without its data. */
  loseData(): Promise<void>;
}

/** @throws Error where this machine has no Valkey and none can be fetched. */
export async function startStageValkey(
  folder: string,
  port: number,
  note: (text: string) => void,
): Promise<StageValkey> {
  mkdirSync(programsDir, { recursive: true });
  let url = "";
  const launch = async (): Promise<Life> => {
    const started = await startValkey({ dataDir: folder, log: { info() {}, warn() {} }, port, programsDir });
    if (started === undefined)
      throw new Error("there is no valkey-server on this machine, and it could not be fetched");
    url = started.url;
    return lifeOf(started, folder);
  };
  const server = new KeptServer("Valkey", launch, note);
  await server.up(90_000);
  return {
    server,
    get url() {
      return url;
    },
    port: () => Number(new URL(url).port),
    async run(use) {
      const redis = new Redis(url, { connectTimeout: 5000, maxRetriesPerRequest: 0, retryStrategy: () => null });
      redis.on("error", () => {});
      try {
        return await Promise.race([use(redis), tooLong()]);
      } finally {
        redis.disconnect();
      }
    },
    async loseData() {
      const release = await server.hold("SIGKILL");
      const data = join(folder, "valkey", "appendonlydir");
      renameSync(data, `${data}.lost`);
      rmSync(`${data}.lost`, { recursive: true });
      await release();
    },
  };
}

async function tooLong(): Promise<never> {
  await wait(20_000, undefined, { ref: false });
  throw new Error("Valkey did not answer within 20 s");
}

function lifeOf(started: EmbeddedValkey, folder: string): Life {
  return { pid: () => pidIn(folder), ready: Promise.resolve(), ended: started.ended, stop: () => started.stop() };
}

function pidIn(folder: string): number | undefined {
  try {
    return Number(readFileSync(join(folder, "valkey", "valkey.pid"), "utf8")) || undefined;
  } catch {
    return undefined;
  }
}
