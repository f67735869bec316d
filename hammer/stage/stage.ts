import { appendFileSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DataFolder, takeDataFolder } from "../../src/embedded/data_folder.ts";
import { freePort } from "../../src/embedded/port.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import type { ClientControl } from "../client/options.ts";
import { type StagePostgres, startStagePostgres } from "./postgres.ts";
import { signalAll } from "./processes.ts";
import { type StageService, startStageService } from "./service.ts";
import { type StageValkey, startStageValkey } from "./valkey.ts";
import { mountWalDisk, type WalDisk } from "./wal_disk.ts";

/** Everything that a campaign runs on, and that faults are done to: real stores and real services, links between them. */
export interface Stage {
  /** Where data, logs and histories lie. */
  readonly folder: string;
  readonly postgres: StagePostgres;
  readonly valkey: StageValkey;
  readonly services: readonly StageService[];
  /** The private key with which every service signs the log. */
  readonly logKeyFile: string;
  /** Absent where this user may mount nothing. */
  readonly walDisk: WalDisk | undefined;
  /** Tells the clients something; they are not of the stage, but some faults need them. */
  tellClients: (message: ClientControl) => void;
  /** Writes a line to the campaign's own log. */
  note(text: string): void;
  /** Lives of services that ended otherwise than a fault had them end. */
  crashes(): string[];
  /** Resolves when everything runs. */
  up(): Promise<void>;
  /** Ends everything and, unless `keep`, removes the folder. Once is enough. */
  close(keep: boolean): Promise<void>;
  /** The same as far as it goes in no time: for a process that is about to end. */
  abandon(): void;
}

export interface StageOptions {
  /** Where the run's folder is made. Default: the folder for temporary files. */
  readonly dataDir: string | undefined;
  readonly servers: number;
}

export async function buildStage({ dataDir, servers }: StageOptions): Promise<Stage> {
  const parent = resolve(dataDir ?? tmpdir());
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "datastorage-hammer-"));
  await chmod(folder, 0o711);
  const lock = takeDataFolder(folder);
  const note = (text: string) => appendFileSync(join(folder, "hammer.log"), `${new Date().toISOString()} ${text}\n`);
  const walDisk = await mountWalDisk(join(folder, "wal"));
  const parts: Partial<Parts> & { services: StageService[] } = { services: [] };
  try {
    return await fill({ folder, lock, walDisk, note, servers, parts });
  } catch (error) {
    await close(parts, walDisk);
    lock.release();
    throw new Error(`the stage could not be built (logs in ${folder}): ${(error as Error).message}`, { cause: error });
  }
}

interface Parts {
  readonly postgres: StagePostgres;
  readonly valkey: StageValkey;
  readonly services: StageService[];
}

interface Building {
  readonly folder: string;
  readonly lock: DataFolder;
  readonly walDisk: WalDisk | undefined;
  readonly note: (text: string) => void;
  readonly servers: number;
  readonly parts: { -readonly [Name in keyof Parts]?: Parts[Name] } & { services: StageService[] };
}

async function fill({ folder, lock, walDisk, note, servers, parts }: Building): Promise<Stage> {
  const port = await freePort();
  const postgres = await startStagePostgres({ folder, port, walDisk, note });
  parts.postgres = postgres;
  const valkey = await startStageValkey(folder, await freePort(), note);
  parts.valkey = valkey;
  const logKeyFile = join(folder, "log-key.pem");
  writeFileSync(logKeyFile, newPrivateKey(), { mode: 0o600 });
  for (let number = 1; number <= servers; number++) {
    const stores = {
      postgres: { url: postgres.url, port: () => port },
      valkey: { url: valkey.url, port: valkey.port },
    };
    parts.services.push(
      await startStageService({ folder, number, port: await freePort(), logKeyFile, note, ...stores }),
    );
  }
  const { services } = parts;
  const everything = [postgres.server, valkey.server, ...services.map(({ server }) => server)];
  const up = async () => {
    await Promise.all(everything.map((server) => server.up()));
  };
  await up();
  let closing: Promise<void> | undefined;
  return {
    folder,
    postgres,
    valkey,
    services,
    logKeyFile,
    walDisk,
    tellClients() {},
    note,
    crashes: () => services.flatMap(({ server }) => server.unasked.map((how) => `${server.name} ended with ${how}`)),
    up,
    close(keep) {
      closing ??= close(parts, walDisk).then(async () => {
        lock.release();
        if (!keep) await rm(folder, { recursive: true, force: true });
      });
      return closing;
    },
    abandon() {
      signalAll(postgres.processes(), "SIGCONT");
      for (const server of everything) server.abandon();
    },
  };
}

async function close(parts: Partial<Parts>, walDisk: WalDisk | undefined): Promise<void> {
  await Promise.all((parts.services ?? []).map((service) => service.close()));
  await Promise.all([parts.valkey?.server.close("SIGTERM"), parts.postgres?.server.close("SIGINT")]);
  await walDisk?.unmount();
}
