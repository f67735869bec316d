import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { clusterPaths } from "../../embedded/cluster.ts";
import { DataFolderInUse } from "../../embedded/data_folder.ts";
import { startEmbedded } from "../../embedded/embedded.ts";
import type { Log } from "../../embedded/log.ts";
import { findPostgres } from "../../embedded/postgres.ts";
import { findValkey } from "../../embedded/valkey.ts";
import { UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";

/** The servers to look at. */
export interface Stores {
  readonly databaseUrl: string;
  /** Absent: there is no queue to look at. */
  readonly valkeyUrl: string | undefined;
  close(): Promise<void>;
}

/**
 * Those that the configuration names, else those of the data folder: of the service that runs on it, or started for the
 * while where none does.
 *
 * @throws UsageError when there is nothing to look at; StartFailure when it cannot be reached.
 */
export async function openStores(config: Config, log: Log): Promise<Stores> {
  const { databaseUrl, valkeyUrl, dataDir } = config;
  if (databaseUrl !== undefined) return { databaseUrl, valkeyUrl, async close() {} };
  if (!existsSync(clusterPaths(resolve(dataDir)).data)) {
    throw new UsageError(`DATABASE_URL is not set, and the data folder ${resolve(dataDir)} holds no database`);
  }
  try {
    const embedded = await startEmbedded({ config, fresh: false, log });
    return { databaseUrl: embedded.databaseUrl, valkeyUrl: embedded.valkeyUrl, close: () => embedded.stop() };
  } catch (error) {
    if (error instanceof DataFolderInUse) return runningStores(config, error);
    throw new StartFailure(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function runningStores({ dataDir, valkeyUrl }: Config, inUse: DataFolderInUse): Stores {
  try {
    const databaseUrl = findPostgres(dataDir);
    if (databaseUrl !== undefined) {
      return { databaseUrl, valkeyUrl: valkeyUrl ?? findValkey(dataDir), async close() {} };
    }
  } catch (error) {
    const { code } = error as { code?: unknown };
    const refused = `this user may not read where the servers in ${resolve(dataDir)} listen (${code})`;
    throw new StartFailure(`${refused}: run this as their owner, or set DATABASE_URL`, { cause: error });
  }
  throw new StartFailure(`${inUse.message} Its database does not run yet, or no longer.`, { cause: inUse });
}
