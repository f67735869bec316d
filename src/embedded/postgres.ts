import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import { type ClusterPaths, clusterPaths, ensureCluster, findPrograms, type Programs } from "./cluster.ts";
import { type Identity, identityFor } from "./identity.ts";
import { type LeashedServer, startLeashed } from "./leash.ts";
import { endLeftover } from "./leftover.ts";
import type { Log } from "./log.ts";
import { choosePort, freePort, isFree } from "./port.ts";

/** The port asked for first: next to PostgreSQL's own, so that neither is in the other's way. */
const usualPort = 54329;
const statusPollMs = 10;

export interface PostgresOptions {
  /** The folder that keeps the data, the password and the log; made when it is missing. */
  readonly dataDir: string;
  readonly log: Log;
  /** The port to try first; a busy one is avoided, and said. 0: any. Default 54329. */
  readonly port?: number;
  /** For tests alone: no fsync, small buffers, and the whole data folder is removed when the server ends. */
  readonly disposable?: boolean;
}

/** A running PostgreSQL of our own. */
export interface EmbeddedPostgres {
  /** Connects as `datastorage`, who owns the database of the same name and is no superuser. */
  readonly url: string;
  /** Connects as the superuser to the database `postgres`. */
  readonly adminUrl: string;
  /** Shuts the server down (open transactions are rolled back, what was committed is on disk) and waits until it is gone. */
  stop(): Promise<void>;
  /** Resolves with how it ended when the server ends, asked for or not. */
  readonly ended: Promise<string>;
  /** Lets this process end without stop(); the server then ends by itself. */
  unref(): void;
}

/**
 * Starts PostgreSQL on 127.0.0.1 with the data below `dataDir`, which is made at the first start and kept. The server ends
 * when this process does, whatever ends it. The caller MUST hold the data folder (data_folder.ts).
 *
 * @throws Error that says what to do when it cannot be started.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === "win32") throw new Error("The embedded PostgreSQL needs Linux or macOS: set DATABASE_URL.");
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  const paths = clusterPaths(dataDir);
  const programs = await findPrograms();
  const identity = await identityFor(paths.data);
  const lookPastPid = await endLeftover("postgres", dataDir, options.log);
  const { password, created } = await ensureCluster(paths, programs, identity, !options.disposable);
  const launch = { dataDir, paths, programs, identity, lookPastPid, options };
  const { server, port } = await listen(launch);
  const adminUrl = urlOf("postgres", password, port, "postgres");
  try {
    await ensureDatabase(adminUrl, password);
  } catch (error) {
    await server.stop();
    throw error;
  }
  options.log.info(
    { port, dataDir: paths.data, created },
    `PostgreSQL runs on 127.0.0.1:${port}, data in ${paths.data}`,
  );
  const url = urlOf("datastorage", password, port, "datastorage");
  return { url, adminUrl, ended: server.ended, stop: () => server.stop(), unref: () => server.unref() };
}

interface Launch {
  readonly dataDir: string;
  readonly paths: ClusterPaths;
  readonly programs: Programs;
  readonly identity: Identity;
  readonly lookPastPid: number | undefined;
  readonly options: PostgresOptions;
}

async function listen(launch: Launch): Promise<{ server: LeashedServer; port: number }> {
  let port = await choosePort("PostgreSQL", launch.options.port ?? usualPort, launch.options.log);
  for (let attempt = 1; ; attempt++) {
    const stale = postmasterLines(launch.paths);
    const server = launchServer(launch, port);
    const failure = await untilReady(server, launch, stale);
    if (failure === undefined) return { server, port };
    // Another process may have taken the port between the look and the start.
    if (attempt < 5 && !(await isFree(port))) port = await freePort();
    else
      throw new Error(
        `PostgreSQL ended while starting (${failure}). Its log: ${launch.paths.log}${lastLines(launch.paths.log)}`,
      );
  }
}

function launchServer(
  { dataDir, paths, programs, identity, lookPastPid, options }: Launch,
  port: number,
): LeashedServer {
  const settings = options.disposable ? { ...durableSettings, ...disposableSettings } : durableSettings;
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return startLeashed({
    command: [programs.postgres, "-D", paths.data, "-p", String(port), ...flags],
    identity,
    logFile: paths.log,
    signal: "INT",
    graceSeconds: 60,
    ...(options.disposable ? { removeAfterwards: dataDir } : {}),
    // A pid in postmaster.pid that is a zombie or another program by now would keep PostgreSQL from starting. This variable is
    // how pg_ctl tells it to look past one pid; the check for shared memory still in use stays in force.
    ...(lookPastPid === undefined ? {} : { env: { PG_GRANDPARENT_PID: String(lookPastPid) } }),
  });
}

const durableSettings: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "100",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "256MB",
  wal_buffers: "16MB",
  max_wal_size: "4GB",
  checkpoint_timeout: "15min",
  random_page_cost: "1.1",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  log_line_prefix: "%m [%p] %a ",
  cluster_name: "datastorage",
};

const disposableSettings: Readonly<Record<string, string>> = {
  fsync: "off",
  full_page_writes: "off",
  shared_buffers: "64MB",
  max_wal_size: "1GB",
};

/**
 * Resolves with undefined when the server takes connections, or with how it ended. Recovery after a crash may take minutes.
 * `stale` is what a server that was killed left in postmaster.pid: pid, folder, start time, …
 */
async function untilReady(
  server: LeashedServer,
  { paths, options }: Launch,
  stale: readonly string[],
): Promise<string | undefined> {
  const begun = Date.now();
  let told = 0;
  while (!server.hasEnded()) {
    const lines = postmasterLines(paths);
    const ours = lines[0] !== stale[0] || lines[2] !== stale[2];
    if (ours && lines[7]?.trim() === "ready") return undefined;
    const seconds = Math.floor((Date.now() - begun) / 1000);
    if (seconds >= told + 10) {
      told = seconds;
      options.log.info(
        { seconds },
        `PostgreSQL is still starting after ${seconds} s (recovering after a crash?), log: ${paths.log}`,
      );
    }
    await Promise.race([server.ended, wait(statusPollMs)]);
  }
  return server.ended;
}

function postmasterLines(paths: ClusterPaths): readonly string[] {
  const file = join(paths.data, "postmaster.pid");
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
}

/**
 * Where the PostgreSQL that another process runs on this data folder takes connections, by what stands in the folder.
 * Undefined: none is there, or it is still starting. @throws Error of the file system where this user may not look.
 */
export function findPostgres(dataDir: string): string | undefined {
  const paths = clusterPaths(resolve(dataDir));
  const file = join(paths.data, "postmaster.pid");
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines[7]?.trim() !== "ready") return undefined;
  return urlOf("datastorage", readFileSync(paths.password, "utf8").trim(), Number(lines[3]), "datastorage");
}

async function ensureDatabase(adminUrl: string, password: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {}, connection: { application_name: "embedded" } });
  try {
    const [found] = await sql`select
      exists (select from pg_roles where rolname = 'datastorage') as role,
      exists (select from pg_database where datname = 'datastorage') as database`;
    // The password is base64url of our own making, so it needs no quoting.
    if (!found?.["role"]) await sql.unsafe(`create role datastorage login createdb createrole password '${password}'`);
    if (!found?.["database"]) await sql.unsafe("create database datastorage owner datastorage");
  } finally {
    await sql.end();
  }
}

function urlOf(user: string, password: string, port: number, database: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
}

function lastLines(file: string): string {
  if (!existsSync(file)) return "";
  return `\n${readFileSync(file, "utf8").trimEnd().split("\n").slice(-8).join("\n")}`;
}
