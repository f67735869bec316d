import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gone } from "../embedded/holder.ts";

// A checkout in small: our scripts, a command line that only tells what it is given, and nothing to install.
const checkout = mkdtempSync(join(tmpdir(), "datastorage-checkout-"));
after(() => rmSync(checkout, { recursive: true, force: true }));
const root = fileURLToPath(new URL("../..", import.meta.url));
for (const folder of ["scripts", "bin"]) cpSync(join(root, folder), join(checkout, folder), { recursive: true });
mkdirSync(join(checkout, "src", "cli"), { recursive: true });
mkdirSync(join(checkout, "node_modules", ".bin"), { recursive: true });
symlinkSync(process.execPath, join(checkout, "node_modules", ".bin", "node"));
const lock = { packages: { "": {}, "node_modules/other-platform": { version: "1.0.0", optional: true } } };
writeFileSync(join(checkout, "package.json"), JSON.stringify({ type: "module" }));
writeFileSync(join(checkout, "package-lock.json"), JSON.stringify(lock));
writeFileSync(join(checkout, "node_modules", ".package-lock.json"), JSON.stringify({ packages: {} }));
writeFileSync(
  join(checkout, "src", "cli", "main.ts"),
  `const args: string[] = process.argv.slice(2);
   process.on("SIGTERM", () => { console.log("orderly end"); process.exit(7); });
   console.log(JSON.stringify({ args, pid: process.pid }));
   if (args.includes("stay")) setInterval(() => {}, 1000);
   else process.exit(3);`,
);

function launch(script: string, ...args: string[]): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, [join(checkout, script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  assert.ok(child.stdout);
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

async function told(lines: AsyncIterator<string>): Promise<{ args: string[]; pid: number }> {
  return JSON.parse((await lines.next()).value);
}

test("npm start serves with the arguments it got, and ends with the same exit code", async () => {
  const { child, lines } = launch("scripts/start.mjs", "--fresh");
  assert.deepEqual((await told(lines)).args, ["serve", "--fresh"]);
  assert.deepEqual(await once(child, "exit"), [3, null]);
});

test("a signal reaches the command, which ends in its own way", async () => {
  const { child, lines } = launch("bin/datastorage.mjs", "stay");
  await told(lines);
  child.kill("SIGTERM");
  assert.equal((await lines.next()).value, "orderly end");
  assert.deepEqual(await once(child, "exit"), [7, null]);
});

test("a kill -9 of the launcher ends the command in the orderly way too", async () => {
  const { child, lines } = launch("bin/datastorage.mjs", "stay");
  const { pid } = await told(lines);
  child.kill("SIGKILL");
  assert.equal((await lines.next()).value, "orderly end");
  await gone(pid);
});

test("a kill -9 of npm above the launcher ends the command in the orderly way too", async () => {
  const shell = spawn("sh", ["-c", `"${process.execPath}" "${join(checkout, "scripts/start.mjs")}" stay & wait`], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, npm_lifecycle_event: "start" },
  });
  const lines = createInterface(shell.stdout)[Symbol.asyncIterator]();
  const { pid } = await told(lines);
  shell.kill("SIGKILL");
  assert.equal((await lines.next()).value, "orderly end");
  await gone(pid);
});
