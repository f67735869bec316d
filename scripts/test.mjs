// npm test: installs what is missing, runs the checks and the tests, and ends with `N passed, N failed, N skipped`.
//
//   npm test                  everything that continuous integration runs
//   npm test -- --long        with the long tests (*.long.test.ts)
//   npm test -- src/rpc tls   only the test files whose path holds one of the words, without the checks
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missingEntries, readLock } from "./complete_lock.mjs";
import { generatedCodeIsCurrent, nothingLandedIsBroken } from "./contract.mjs";
import { install, pinnedNode, root } from "./install.mjs";

const words = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const long = process.argv.includes("--long");
const totals = { passed: 0, failed: 0, skipped: 0 };

await install({ development: true });
process.chdir(root);
process.env.PATH = `${join(root, "node_modules", ".bin")}:${process.env.PATH}`;
// Set when a test runs this script; node --test would then think that it is a test file.
delete process.env.NODE_TEST_CONTEXT;

if (words.length === 0) runChecks();
const files = testFiles();
// Tests that measure are not run beside others.
runTests(
  "tests",
  files.filter((file) => !isAlone(file)),
  2,
);
runTests("tests that need the machine to themselves", files.filter(isAlone), 1);

console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 ? 0 : 1);

function runChecks() {
  console.log("checks");
  check("formatting and lint (biome check)", () => command("biome", "check", ".", "--error-on-warnings"));
  check("types (tsc)", () => command("tsc", "-p", "."));
  check("package-lock.json serves every platform", lockIsComplete);
  check("contract lint (buf lint)", () => command("buf", "lint"));
  check("contract format (buf format)", () =>
    command("buf", "format", "--diff", "--exit-code", "--path", "proto/kubernaut"),
  );
  check("generated code is current (buf generate)", generatedCodeIsCurrent);
  check("nothing that landed is broken (buf breaking)", nothingLandedIsBroken);
}

/** Runs one check, which gives undefined when it passes, `{skipped: reason}`, or what is wrong. */
function check(name, run) {
  const begun = Date.now();
  const result = run();
  const seconds = ((Date.now() - begun) / 1000).toFixed(1);
  if (result === undefined) {
    totals.passed++;
    console.log(`  ✔ ${name} (${seconds} s)`);
  } else if (typeof result === "object") {
    totals.skipped++;
    console.log(`  - ${name}: skipped, ${result.skipped}`);
  } else {
    totals.failed++;
    console.log(`  ✖ ${name} (${seconds} s)\n${result.trimEnd().replaceAll(/^/gm, "    ")}`);
  }
}

function lockIsComplete() {
  const missing = Object.keys(missingEntries(readLock()));
  return missing.length === 0 ? undefined : `run \`npm run lock\`; these are missing:\n${missing.join("\n")}`;
}

function command(program, ...args) {
  const result = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26 });
  if (result.status === 0) return undefined;
  return result.error ? result.error.message : `${result.stdout}${result.stderr}` || `ended with ${result.status}`;
}

function testFiles() {
  return ["bench", "src", "test"]
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)))
    .filter((file) => file.endsWith(".test.ts") && (long || !file.endsWith(".long.test.ts")))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

function isAlone(file) {
  return file.endsWith(".alone.test.ts") || file.endsWith(".long.test.ts");
}

function runTests(headline, chosen, concurrency) {
  if (chosen.length === 0) return;
  console.log(`\n${headline}: ${chosen.length} files`);
  const begun = Date.now();
  const folder = mkdtempSync(join(tmpdir(), "datastorage-count-"));
  const counts = join(folder, "counts.json");
  const flags = [`--test-concurrency=${concurrency}`, `--test-timeout=${(long ? 60 : 5) * 60_000}`];
  flags.push("--test-global-setup=./test/support/global_setup.ts");
  flags.push("--test-reporter=./scripts/test_report.mjs", "--test-reporter-destination=stdout");
  flags.push("--test-reporter=./scripts/test_count.mjs", `--test-reporter-destination=${counts}`);
  const result = spawnSync(pinnedNode, ["--test", ...flags, ...chosen], { stdio: ["ignore", "inherit", "inherit"] });
  addCounts(counts, result);
  rmSync(folder, { recursive: true, force: true });
  console.log(`  ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

function addCounts(file, result) {
  let counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    console.log(`  ✖ the test run ended without a result (${result.error?.message ?? result.signal ?? result.status})`);
  }
  // A run that fails without a failed test (its global setup, say) is a failure all the same.
  if (result.status !== 0 && counts.failed === 0) counts.failed = 1;
  for (const name of Object.keys(totals)) totals[name] += counts[name];
}
