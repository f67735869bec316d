// npm run lock: completes package-lock.json after a package was added or updated.
//
// Packages with programs depend on one package a platform, all of them optional. npm writes only those into the lock that the
// registry gave it; a mirror that carries some platforms alone makes a lock that `npm ci` refuses, also on machines that need
// none of the missing ones. The names tell what they are for, so the missing entries can be written without the registry.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./install.mjs";

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32"];
const processors = { armv7: "arm", aarch64: "arm64", arm64: "arm64", arm: "arm", ia32: "ia32", x64: "x64" };

/**
 * The entries that a lock lacks, by path.
 *
 * @param {{packages: Record<string, {version?: string, dev?: boolean, optionalDependencies?: Record<string, string>}>}} lock
 * @returns {Record<string, object>}
 */
export function missingEntries(lock) {
  const missing = {};
  for (const entry of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      if (lock.packages[path] || !/^\d+\.\d+\.\d+/.test(version)) continue;
      missing[path] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platformOf(name) };
    }
  }
  return missing;
}

function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = words.filter((word) => systems.includes(word));
  const cpu = words.filter((word) => word in processors).map((word) => processors[word]);
  return { os, cpu, ...(words.includes("musl") ? { libc: ["musl"] } : {}) };
}

/** The committed lock. */
export function readLock() {
  return JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const lock = readLock();
  const missing = missingEntries(lock);
  const packages = { ...lock.packages, ...missing };
  lock.packages = Object.fromEntries(
    Object.keys(packages)
      .sort()
      .map((path) => [path, packages[path]]),
  );
  writeFileSync(join(root, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${Object.keys(missing).length} entries added to package-lock.json`);
}
