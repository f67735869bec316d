// Installs what package-lock.json asks for where it is missing. Runs on any Node from 20 on, before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url));
/** The Node that package.json pins. */
export const pinnedNode = join(root, "node_modules", ".bin", "node");

/**
 * Runs `npm ci` unless everything is there; then it needs no network. Two that start at once do not install twice.
 * What is said goes to standard error, so that a command's own output stays clean.
 *
 * @param {{development: boolean}} needs whether the tools of development are needed as well
 */
export async function install({ development }) {
  if (isInstalled(development)) return;
  const unlock = await lock();
  const installed = isInstalled(development) || npmCi();
  unlock();
  if (!installed) process.exit(1);
}

/** Says in one line that it installs; false, with what npm said, when that failed. */
function npmCi() {
  const begun = Date.now();
  process.stderr.write("Installing the packages of package-lock.json (npm ci) … ");
  // Under npx or another package manager this names that one, which would take `ci` for something else.
  const npm = process.env.npm_execpath;
  const [program, first] = npm && basename(npm) === "npm-cli.js" ? [process.execPath, [npm]] : ["npm", []];
  const result = spawnSync(program, [...first, "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "" },
  });
  if (result.status !== 0) {
    process.stderr.write("failed.\n");
    process.stderr.write(result.error ? `${result.error.message}\n` : `${result.stdout}${result.stderr}`);
    process.stderr.write("npm ci needs the npm registry (or a filled npm cache): check the network and start again.\n");
    return false;
  }
  process.stderr.write(`done in ${Math.round((Date.now() - begun) / 1000)} s.\n`);
  return true;
}

/** Whether node_modules holds what package-lock.json asks for; packages for other platforms may be missing. */
function isInstalled(development) {
  const wanted = packagesOf(join(root, "package-lock.json"));
  const found = packagesOf(join(root, "node_modules", ".package-lock.json"));
  if (!wanted || !found || !existsSync(pinnedNode)) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || (entry.dev && !development)) return true;
    const there = found[path];
    if (!there) return entry.optional === true;
    return there.version === entry.version && there.integrity === entry.integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

async function lock() {
  const file = join(tmpdir(), `datastorage-install-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
  for (let told = false; ; await wait(200)) {
    try {
      writeSync(openSync(file, "wx"), String(process.pid));
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!holderLives(file)) rmSync(file, { force: true });
    else if (!told) process.stderr.write("Another start is installing the packages, waiting for it …\n");
    told = true;
  }
}

function holderLives(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
