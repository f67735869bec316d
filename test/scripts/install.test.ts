import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const parent = mkdtempSync(join(tmpdir(), "datastorage-install-test-"));
after(() => rmSync(parent, { recursive: true, force: true }));
const root = fileURLToPath(new URL("../..", import.meta.url));

// Stands in for npm: notes that it ran, takes a moment, and lays down what `npm ci` would.
const npm = join(parent, "npm-cli.js");
writeFileSync(
  npm,
  `const fs = require("node:fs");
   fs.appendFileSync("runs", process.argv[2] + "\\n");
   if (fs.existsSync("offline")) { console.error("network is unreachable"); process.exit(1); }
   Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
   fs.mkdirSync("node_modules/.bin", { recursive: true });
   fs.rmSync("node_modules/.bin/node", { force: true });
   fs.symlinkSync(process.execPath, "node_modules/.bin/node");
   fs.copyFileSync("package-lock.json", "node_modules/.package-lock.json");`,
);

function checkout(name: string): { folder: string; runs(): string[]; lock(version: string): void } {
  const folder = join(parent, name);
  mkdirSync(join(folder, "src", "cli"), { recursive: true });
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "src", "cli", "main.ts"), `console.log("served");`);
  writeFileSync(join(folder, "runs"), "");
  return {
    folder,
    runs: () => readFileSync(join(folder, "runs"), "utf8").trim().split("\n").filter(Boolean),
    lock: (version) =>
      writeFileSync(
        join(folder, "package-lock.json"),
        JSON.stringify({ packages: { "": {}, "node_modules/a": { version, integrity: `sha512-${version}` } } }),
      ),
  };
}

async function start(folder: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, npm_execpath: npm };
  const child = spawn(process.execPath, [join(folder, "scripts", "start.mjs")], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

test("what is missing is installed once, said in one line, and never again until the lock changes", async () => {
  const { folder, runs, lock } = checkout("newcomer");
  lock("1.0.0");
  const first = await start(folder);
  assert.equal(first.stdout, "served\n");
  assert.match(first.stderr, /^Installing the packages .*done in \d+ s\.\n$/);
  const second = await start(folder);
  assert.deepEqual([second.stdout, second.stderr], ["served\n", ""]);
  assert.deepEqual(runs(), ["ci"]);
  lock("1.0.1");
  await start(folder);
  assert.deepEqual(runs(), ["ci", "ci"]);
});

test("two first starts at once install once", async () => {
  const { folder, runs, lock } = checkout("twice");
  lock("1.0.0");
  const both = await Promise.all([start(folder), start(folder)]);
  assert.deepEqual(
    both.map(({ stdout }) => stdout),
    ["served\n", "served\n"],
  );
  assert.deepEqual(runs(), ["ci"]);
});

test("without a network the first start says what it needs and fails", async () => {
  const { folder, lock } = checkout("offline");
  lock("1.0.0");
  writeFileSync(join(folder, "offline"), "");
  const { code, stderr } = await start(folder);
  assert.equal(code, 1);
  assert.match(stderr, /network is unreachable\nnpm ci needs the npm registry/);
});
