import { execFile } from "node:child_process";
import { type Dirent, existsSync, readdirSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { aptSources } from "./apt_sources.ts";

const run = promisify(execFile);

/** The longest that fetching may take, in milliseconds. */
const fetchLimitMs = 60_000;
/** By then the first bytes must have come: a network that swallows everything must not hold up a start. */
const firstBytesLimitMs = 8_000;

/**
 * Fetches one of the named Debian packages, with what it needs and this machine lacks, and unpacks it into `folder`.
 * Needs neither root nor anything of apt's own state: the lists and the downloads live below `folder` while it works.
 * The packages are verified by apt with the machine's own keys.
 *
 * @param names tried in this order, such as `valkey-server`, `redis-server`
 * @throws Error with the reason, in words for a person. Nothing is left behind then.
 */
export async function fetchDebianPackage(names: readonly string[], folder: string): Promise<void> {
  if (!existsSync("/usr/bin/apt-get") || !existsSync("/usr/bin/dpkg")) {
    throw new Error("this machine has no apt-get to fetch it with");
  }
  const work = `${folder}.fetching`;
  await rm(work, { recursive: true, force: true });
  const silence = new AbortController();
  const signal = AbortSignal.any([AbortSignal.timeout(fetchLimitMs), silence.signal]);
  const watch = setTimeout(() => hasFiles(join(work, "lists", "partial")) || silence.abort(), firstBytesLimitMs);
  try {
    const options = await prepareApt(work);
    // A suite that a mirror lacks makes the update fail as a whole although the others came; the install decides.
    const update = await attempt("apt-get", [...options, "--quiet", "--error-on=any", "update"], signal);
    await downloadFirst(names, options, update, signal);
    await unpackAll(join(work, "archives"), join(work, "root"), signal);
    await rm(folder, { recursive: true, force: true });
    await rename(join(work, "root"), folder);
  } catch (error) {
    if (silence.signal.aborted)
      throw new Error(`the Debian archive did not answer within ${firstBytesLimitMs / 1000} s`);
    if (signal.aborted)
      throw new Error(`fetching it from the Debian archive took longer than ${fetchLimitMs / 1000} s`);
    throw error;
  } finally {
    clearTimeout(watch);
    await rm(work, { recursive: true, force: true });
  }
}

/** Where the libraries of an unpacked package lie, for LD_LIBRARY_PATH. */
export async function libraryFolders(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const base of [join(folder, "usr", "lib"), join(folder, "lib")]) {
    const entries: Dirent[] = await readdir(base, { withFileTypes: true }).catch(() => []);
    found.push(base, ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(base, entry.name)));
  }
  return found;
}

/** Whether apt has begun to receive its lists: it moves them one folder up when they are complete. */
function hasFiles(partial: string): boolean {
  if (!existsSync(partial)) return false;
  const names = [...readdirSync(partial), ...readdirSync(join(partial, ".."))];
  return names.some((name) => name !== "partial" && name !== "lock" && name !== "auxfiles");
}

async function prepareApt(work: string): Promise<readonly string[]> {
  const place = (name: string) => join(work, name);
  await mkdir(join(place("lists"), "partial"), { recursive: true });
  await mkdir(join(place("archives"), "partial"), { recursive: true });
  await mkdir(place("root"));
  await writeFile(place("machine.sources"), await aptSources());
  const settings = {
    "Dir::State::lists": place("lists"),
    "Dir::Cache": place("cache"),
    "Dir::Cache::archives": place("archives"),
    "Dir::Etc::sourcelist": place("machine.sources"),
    "Dir::Etc::sourceparts": "-",
    "Acquire::Languages": "none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
    "Acquire::Retries": "0",
    "Acquire::http::Timeout": "10",
    "Acquire::https::Timeout": "10",
    // Root's apt would drop to a user who may not enter our folder.
    "APT::Sandbox::User": "root",
    "Debug::NoLocking": "1",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function downloadFirst(
  names: readonly string[],
  options: readonly string[],
  update: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  let failure: string | undefined;
  for (const name of names) {
    const flags = ["--quiet", "--assume-yes", "--download-only", "--no-install-recommends", "--reinstall"];
    failure = await attempt("apt-get", [...options, ...flags, "install", name], signal);
    if (failure === undefined) return;
  }
  throw new Error(`the Debian archive gave no ${names.join(" or ")} (${update ?? failure})`);
}

async function unpackAll(archives: string, root: string, signal: AbortSignal): Promise<void> {
  for (const name of await readdir(archives)) {
    if (name.endsWith(".deb")) await run("dpkg", ["--extract", join(archives, name), root], { signal });
  }
}

/** Runs a command; gives undefined when it succeeds, else the line that says why it did not. */
async function attempt(command: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  try {
    await run(command, args, { signal, env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" } });
    return undefined;
  } catch (error) {
    const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
    const line = /^[EW]: (.*)$/m.exec(stderr)?.[1];
    return line ?? (error instanceof Error ? error.message.split("\n")[0] : String(error));
  }
}
