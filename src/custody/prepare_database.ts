import { setTimeout as delay } from "node:timers/promises";
import { classifyError } from "../postgres/errors.ts";
import { migrate } from "../postgres/migrate.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Partitions } from "./partitions.ts";
import { startPartitionUpkeep } from "./upkeep.ts";

/** Milliseconds between two tries to reach a database that is not there yet. */
const DATABASE_WAIT_MS = 1000;

/** A database on its way to be ready for use. */
export interface DatabasePreparation {
  /** Resolves when the schema and the partitions are there; rejects when the database refuses for good. */
  readonly ready: Promise<void>;
  /** Resolves when the database is found away and is waited for. */
  readonly away: Promise<void>;
  stop(): Promise<void>;
}

/** Applies the migrations and keeps partitions made; waits for a database that is not there yet, and says so. */
export function prepareDatabase(
  databaseUrl: string,
  partitions: Partitions,
  telemetry: Telemetry,
): DatabasePreparation {
  const { log } = telemetry;
  const away = Promise.withResolvers<void>();
  const stopped = new AbortController();
  let upkeep: { stop(): void } | undefined;
  const prepare = async () => {
    for (let told = false; ; told = true) {
      try {
        const { applied, version } = await migrate(databaseUrl);
        log.info({ applied, version }, applied.length === 0 ? "the schema is up to date" : "the schema was migrated");
        upkeep = await startPartitionUpkeep(partitions, telemetry);
        if (stopped.signal.aborted) upkeep.stop();
        return;
      } catch (error) {
        if (classifyError(error) !== "transient") throw error;
        if (!told) log.warn({ err: error }, "the database is not there; waiting for it");
        away.resolve();
        await delay(DATABASE_WAIT_MS, undefined, { signal: stopped.signal });
      }
    }
  };
  const ready = prepare();
  ready.catch(() => {});
  return {
    ready,
    away: away.promise,
    async stop() {
      stopped.abort();
      upkeep?.stop();
    },
  };
}
