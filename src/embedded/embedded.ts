import type { Config } from "../config/config.ts";
import { findPrograms } from "./cluster.ts";
import { takeDataFolder } from "./data_folder.ts";
import type { Log } from "./log.ts";
import { startPostgres } from "./postgres.ts";
import { startValkey } from "./valkey.ts";

/** The stores that the service uses: real ones by their URLs, and our own for those that are not configured. */
export interface EmbeddedServers {
  readonly databaseUrl: string;
  /** Absent: there is no queue. */
  readonly valkeyUrl: string | undefined;
  /** Resolves with what happened when one of our own servers ends without having been asked to. */
  readonly broken: Promise<string>;
  /** Lets a second start on the same data folder say where this one serves. */
  announce(address: string): void;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly config: Pick<Config, "dataDir" | "databaseUrl" | "valkeyUrl">;
  /** Empty the data folder first. */
  readonly fresh: boolean;
  readonly log: Log;
}

/**
 * Starts what the configuration names no server for. The data folder is taken only where something is kept in it.
 *
 * A real database and no VALKEY_URL means that there is no queue: an embedded Valkey would be lost with the machine.
 *
 * @throws DataFolderInUse, or Error that says what to do; also for `fresh` with a server that is not ours to empty.
 */
export async function startEmbedded({ config, fresh, log }: EmbeddedOptions): Promise<EmbeddedServers> {
  const { databaseUrl, valkeyUrl } = config;
  if (databaseUrl !== undefined) {
    if (fresh) throw new Error("--fresh empties the data of the embedded PostgreSQL; DATABASE_URL names another one.");
    return { databaseUrl, valkeyUrl, broken: new Promise(() => {}), announce() {}, async stop() {} };
  }
  // Without its programs the folder is of no use, and what it says about itself would lead away from that.
  await findPrograms();
  const folder = takeDataFolder(config.dataDir);
  const started: { stop(): Promise<void>; ended: Promise<string>; name: string }[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    folder.release();
  };
  try {
    if (fresh) await folder.empty(log);
    const postgres = await startPostgres({ dataDir: folder.path, log });
    started.push({ name: "PostgreSQL", ...postgres });
    const valkey = valkeyUrl === undefined ? await startValkey({ dataDir: folder.path, log }) : undefined;
    if (valkey !== undefined) started.push({ name: "Valkey", ...valkey });
    const broken = Promise.race(started.map(({ name, ended }) => ended.then((how) => `${name} has ended: ${how}`)));
    return {
      databaseUrl: postgres.url,
      valkeyUrl: valkeyUrl ?? valkey?.url,
      broken,
      announce: (address) => folder.announce(address),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
