import { chmodSync, cpSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import { clusterPaths, ensureCluster, findPrograms } from "../../src/embedded/cluster.ts";
import { handOver, identityFor } from "../../src/embedded/identity.ts";
import { startLeashed } from "../../src/embedded/leash.ts";
import { KeptServer, type Life } from "./kept_server.ts";
import { childrenOf } from "./processes.ts";
import type { WalDisk } from "./wal_disk.ts";

/** Few enough that they can all be taken in a moment. */
const MAX_CONNECTIONS = 60;
/** Milliseconds between two looks whether it takes connections. */
const POLL_MS = 25;

/** As the embedded one is set, but for a log that a small disk holds. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: String(MAX_CONNECTIONS),
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "256MB",
  wal_buffers: "16MB",
  max_wal_size: "512MB",
  min_wal_size: "160MB",
  checkpoint_timeout: "5min",
  random_page_cost: "1.1",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %a ",
  log_min_error_statement: "panic",
  cluster_name: "datastorage-hammer",
};

/** A PostgreSQL that can be killed, stopped and started again on the same port and data. */
export interface StagePostgres {
  readonly server: KeptServer;
  /** As the service connects, but without a proxy before it. */
  readonly url: string;
  readonly adminUrl: string;
  /** A few statements as the superuser on the service's database, on a connection of their own. */
  admin<T>(use: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** The processes of the server, the postmaster first. */
  processes(): number[];
}

export interface StagePostgresOptions {
  readonly folder: string;
  readonly port: number;
  readonly walDisk: WalDisk | undefined;
  readonly note: (text: string) => void;
}

export async function startStagePostgres({
  folder,
  port,
  walDisk,
  note,
}: StagePostgresOptions): Promise<StagePostgres> {
  const paths = clusterPaths(folder);
  const programs = await findPrograms();
  const identity = await identityFor(paths.data);
  const { password } = await ensureCluster(paths, programs, identity, true);
  if (walDisk !== undefined) {
    moveLog(join(paths.data, "pg_wal"), join(walDisk.path, "pg_wal"));
    for (const name of ["", "archive_status", "summaries"]) handOver(join(walDisk.path, "pg_wal", name), identity);
  }
  const adminUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const flags = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const launch = async (): Promise<Life> => {
    const leashed = startLeashed({
      command: [programs.postgres, "-D", paths.data, "-p", String(port), ...flags],
      identity,
      logFile: paths.log,
      signal: "INT",
      graceSeconds: 10,
    });
    const pid = () => postmasterOf(paths.data);
    return { pid, ready: ready(adminUrl, leashed.hasEnded), ended: leashed.ended, stop: () => leashed.stop() };
  };
  const server = new KeptServer("PostgreSQL", launch, note);
  await server.up();
  await withSql(adminUrl, async (sql) => {
    await sql.unsafe(`CREATE ROLE datastorage LOGIN CREATEDB CREATEROLE PASSWORD '${password}'`);
    await sql.unsafe("CREATE DATABASE datastorage OWNER datastorage");
  });
  const ourDatabase = adminUrl.replace(/postgres$/, "datastorage");
  return {
    server,
    url: `postgres://datastorage:${password}@127.0.0.1:${port}/datastorage`,
    adminUrl: ourDatabase,
    admin: (use) => withSql(ourDatabase, use),
    processes() {
      const postmaster = server.pid;
      return postmaster === undefined ? [] : [postmaster, ...childrenOf(postmaster)];
    },
  };
}

function moveLog(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  chmodSync(to, 0o700);
  renameSync(from, `${from}.moved`);
  symlinkSync(to, from);
  rmSync(`${from}.moved`, { recursive: true });
}

function postmasterOf(data: string): number | undefined {
  try {
    return Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]) || undefined;
  } catch {
    return undefined;
  }
}

async function ready(adminUrl: string, hasEnded: () => boolean): Promise<void> {
  while (!hasEnded()) {
    try {
      return await withSql(adminUrl, async (sql) => {
        await sql`SELECT 1`;
      });
    } catch {
      await wait(POLL_MS);
    }
  }
  return new Promise(() => {});
}

/** Seconds that a superuser's connection may take: a fault may be in its way. */
const CONNECT_SECONDS = 5;

async function withSql<T>(url: string, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_SECONDS,
    onnotice: () => {},
    connection: { application_name: "hammer", statement_timeout: 20_000 },
  });
  try {
    return await use(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
