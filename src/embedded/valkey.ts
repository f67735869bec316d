import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { fetchDebianPackage, libraryFolders } from "./debian.ts";
import { handOver, type Identity, identityFor } from "./identity.ts";
import { type LeashedServer, startLeashed } from "./leash.ts";
import { endLeftover } from "./leftover.ts";
import type { Log } from "./log.ts";
import { choosePort, freePort, isFree } from "./port.ts";

const run = promisify(execFile);

/** The port asked for first: next to Valkey's own, so that neither is in the other's way. */
const usualPort = 63799;
const packages = ["valkey-server", "redis-server"];

export interface ValkeyOptions {
  /** The folder that keeps the data, the password, the log and a downloaded program; made when it is missing. */
  readonly dataDir: string;
  readonly log: Log;
  /** The port to try first; a busy one is avoided, and said. 0: any. Default 63799. */
  readonly port?: number;
  /** The folder for a downloaded program; default: `programs` in the data folder. */
  readonly programsDir?: string;
  /** Where to look for valkey-server and redis-server; default: the PATH. */
  readonly searchPath?: string;
}

/** A running Valkey of our own. */
export interface EmbeddedValkey {
  readonly url: string;
  /** Shuts the server down and waits until it is gone. */
  stop(): Promise<void>;
  /** Resolves with how it ended when the server ends, asked for or not. */
  readonly ended: Promise<string>;
  /** Lets this process end without stop(); the server then ends by itself. */
  unref(): void;
}

interface Program {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts Valkey on 127.0.0.1 with the data below `dataDir`. Whatever it answered to is on disk (appendfsync always), and
 * nothing is evicted to make room. The server ends when this process does. The caller MUST hold the data folder.
 *
 * The program is the machine's `valkey-server` or `redis-server`, else Debian's package, fetched once into the data folder.
 * Resolves with undefined where neither can be had, and says so loudly: the service then runs without a queue.
 *
 * @throws Error when the program is there but does not start.
 */
export async function startValkey(options: ValkeyOptions): Promise<EmbeddedValkey | undefined> {
  const dataDir = resolve(options.dataDir);
  const paths = valkeyPaths(dataDir, options.programsDir ?? join(dataDir, "programs"));
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  await mkdir(dirname(paths.program), { recursive: true, mode: 0o755 });
  const program = await findProgram(options, paths.program);
  if (!program) return undefined;
  const identity = await identityFor(paths.data);
  await endLeftover("valkey", dataDir, options.log);
  const launch = { paths, program, identity, options, password: await preparePassword(paths, identity) };
  const { server, port } = await listen(launch);
  options.log.info({ port, dataDir: paths.data }, `Valkey runs on 127.0.0.1:${port}, data in ${paths.data}`);
  const url = urlOf(launch.password, port);
  return { url, ended: server.ended, stop: () => server.stop(), unref: () => server.unref() };
}

interface ValkeyPaths {
  readonly data: string;
  readonly config: string;
  readonly log: string;
  readonly program: string;
}

interface Launch {
  readonly paths: ValkeyPaths;
  readonly program: Program;
  readonly identity: Identity;
  readonly options: ValkeyOptions;
  readonly password: string;
}

function valkeyPaths(dataDir: string, programsDir: string): ValkeyPaths {
  const data = join(dataDir, "valkey");
  return {
    data,
    config: join(data, "valkey.conf"),
    log: join(dataDir, "valkey.log"),
    program: join(resolve(programsDir), "valkey"),
  };
}

async function findProgram(options: ValkeyOptions, folder: string): Promise<Program | undefined> {
  const onPath = await firstThatRuns((options.searchPath ?? process.env["PATH"] ?? "").split(delimiter), {});
  if (onPath) return onPath;
  const fetched = await fetchedProgram(folder);
  if (fetched) return fetched;
  options.log.info({ folder }, `fetching Valkey from the Debian archive into ${folder}`);
  try {
    await fetchDebianPackage(packages, folder);
    const program = await fetchedProgram(folder);
    if (program) return program;
    throw new Error("the package that was fetched does not run here");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    options.log.warn(
      { reason },
      `STARTED WITHOUT A QUEUE: ${reason}. While PostgreSQL cannot be written, events are refused instead of queued. ` +
        "Install valkey-server, or set VALKEY_URL.",
    );
    return undefined;
  }
}

async function fetchedProgram(folder: string): Promise<Program | undefined> {
  if (!existsSync(folder)) return undefined;
  const env = { LD_LIBRARY_PATH: (await libraryFolders(folder)).join(delimiter) };
  return firstThatRuns([join(folder, "usr", "bin"), join(folder, "bin")], env);
}

async function firstThatRuns(folders: readonly string[], env: Program["env"]): Promise<Program | undefined> {
  for (const name of packages) {
    for (const path of folders.map((folder) => join(folder, name)).filter((file) => existsSync(file))) {
      if (await isUsable(path, env)) return { path, env };
    }
  }
  return undefined;
}

/** Whether the program runs here and is no older than 6.2: what came before lacks XAUTOCLAIM. */
async function isUsable(path: string, env: Program["env"]): Promise<boolean> {
  try {
    const { stdout } = await run(path, ["--version"], { env: { ...process.env, ...env } });
    const [, major, minor] = /v=(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 2);
  } catch {
    return false;
  }
}

/** The password lives in the configuration alone, which only the server's user may read: on a command line all could. */
async function preparePassword(paths: ValkeyPaths, identity: Identity): Promise<string> {
  if (!existsSync(paths.data)) {
    await mkdir(paths.data, { mode: 0o700 });
    handOver(paths.data, identity);
  }
  return readSetting(paths, "requirepass") ?? randomBytes(24).toString("base64url");
}

/** A setting of the configuration that is there. */
function readSetting(paths: ValkeyPaths, name: "port" | "requirepass"): string | undefined {
  if (!existsSync(paths.config)) return undefined;
  return new RegExp(`^${name} (\\S+)$`, "m").exec(readFileSync(paths.config, "utf8"))?.[1];
}

function pidFileOf(paths: ValkeyPaths): string {
  return join(paths.data, "valkey.pid");
}

/**
 * Where the Valkey that another process runs on this data folder takes connections, by what stands in the folder. Undefined:
 * none is there. @throws Error of the file system where this user may not look.
 */
export function findValkey(dataDir: string): string | undefined {
  const paths = valkeyPaths(resolve(dataDir), resolve(dataDir));
  const [password, port] = [readSetting(paths, "requirepass"), readSetting(paths, "port")];
  if (password === undefined || port === undefined || !existsSync(pidFileOf(paths))) return undefined;
  return urlOf(password, Number(port));
}

async function listen(launch: Launch): Promise<{ server: LeashedServer; port: number }> {
  const { paths, identity, options, password } = launch;
  let port = await choosePort("Valkey", options.port ?? usualPort, options.log);
  for (let attempt = 1; ; attempt++) {
    await writeFile(paths.config, configuration(paths, port, password), { mode: 0o600 });
    await chmod(paths.config, 0o600);
    handOver(paths.config, identity);
    const server = launchServer(launch);
    const failure = await untilReady(server, urlOf(password, port));
    if (failure === undefined) return { server, port };
    if (attempt >= 5 || (await isFree(port)))
      throw new Error(`Valkey ended while starting (${failure}). Its log: ${paths.log}`);
    port = await freePort();
  }
}

function launchServer({ paths, program, identity }: Launch): LeashedServer {
  return startLeashed({
    command: [program.path, paths.config],
    env: program.env,
    identity,
    logFile: paths.log,
    signal: "TERM",
    graceSeconds: 30,
    cwd: "/",
  });
}

function configuration(paths: ValkeyPaths, port: number, password: string): string {
  const settings: Readonly<Record<string, string>> = {
    bind: "127.0.0.1",
    port: String(port),
    requirepass: password,
    dir: JSON.stringify(paths.data),
    pidfile: JSON.stringify(pidFileOf(paths)),
    "set-proc-title": "no",
    appendonly: "yes",
    appendfsync: "always",
    "no-appendfsync-on-rewrite": "no",
    save: '""',
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join("");
}

/** Resolves with undefined when the server has loaded its data and answers, or with how it ended. */
async function untilReady(server: LeashedServer, url: string): Promise<string | undefined> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {}); // Refused until it listens; `ended` tells when it never will.
  const ready = new Promise<undefined>((settle) => client.once("ready", () => settle(undefined)));
  client.connect().catch(() => {});
  try {
    return await Promise.race([ready, server.ended]);
  } finally {
    client.disconnect();
  }
}

function urlOf(password: string, port: number): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}
