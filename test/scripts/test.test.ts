import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

// A checkout in small, with tests that pass, fail, are skipped, and take their whole process down.
const checkout = mkdtempSync(join(tmpdir(), "datastorage-checkout-"));
after(() => rmSync(checkout, { recursive: true, force: true }));
const root = fileURLToPath(new URL("../..", import.meta.url));
cpSync(join(root, "scripts"), join(checkout, "scripts"), { recursive: true });
mkdirSync(join(checkout, "node_modules", ".bin"), { recursive: true });
symlinkSync(process.execPath, join(checkout, "node_modules", ".bin", "node"));
mkdirSync(join(checkout, "bench"));
mkdirSync(join(checkout, "src"));
mkdirSync(join(checkout, "test", "support"), { recursive: true });
const files: Record<string, string> = {
  "package.json": JSON.stringify({ type: "module" }),
  "package-lock.json": JSON.stringify({ packages: {} }),
  "node_modules/.package-lock.json": JSON.stringify({ packages: {} }),
  "test/support/global_setup.ts": "",
  "src/good.test.ts": `import { test } from "node:test"; test("a", () => {}); test("b", { skip: "no data" }, () => {});`,
  "src/bad.test.ts": `import { test } from "node:test"; test("c", () => {}); test("d", () => { throw new Error("wrong sum"); });`,
  "src/dead.test.ts": `process.exit(3);`,
  "src/endless.long.test.ts": `throw new Error("a long test ran");`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(checkout, name), text);

function npmTest(...words: string[]): { status: number | null; output: string; last: string | undefined } {
  const env = { ...process.env, CI: "true" };
  const result = spawnSync(process.execPath, [join(checkout, "scripts", "test.mjs"), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    env,
  });
  return { status: result.status, output: result.stdout, last: result.stdout.trimEnd().split("\n").at(-1) };
}

test("the last line counts what passed, failed and was skipped, and a failure shows in the exit code", () => {
  const good = npmTest("good");
  assert.equal(good.last, "1 passed, 0 failed, 1 skipped");
  assert.equal(good.status, 0);
  assert.match(good.output, /skipped: b \(no data\)/);

  const all = npmTest("src/");
  assert.equal(all.last, "2 passed, 2 failed, 1 skipped");
  assert.equal(all.status, 1);
  assert.match(all.output, /✖ d.*wrong sum/s);
  assert.match(all.output, /✖ src\/dead\.test\.ts/);
});
