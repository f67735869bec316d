import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Report } from "../hammer/report.ts";

const hammer = fileURLToPath(new URL("../hammer/main.ts", import.meta.url));
/** The same faults each time; another seed, such as the date, may be given from outside. */
const seed = process.env["DATASTORAGE_TEST_HAMMER_SEED"] || "20261122";

/** Runs a campaign; one that finds something ends with 1 and a report all the same. */
async function campaign(...args: readonly string[]): Promise<Report> {
  const run = promisify(execFile)(process.execPath, [hammer, "--json", ...args], { maxBuffer: 2 ** 26 });
  const { stdout, stderr } = await run.catch((failure: { stdout: string; stderr: string }) => failure);
  assert.ok(stdout.startsWith("{"), `the campaign ended without a report:\n${stderr}`);
  return JSON.parse(stdout) as Report;
}

test("nothing that was acknowledged is lost, doubled or out of order while things break, and the log has no gap", async (context) => {
  const report = await campaign("--seed", seed, "--minutes", "1", "--faults", "20", "--longest", "2", "--rate", "1000");
  for (const line of report.faults_not_done) context.diagnostic(`not done: ${line}`);
  const found = Object.entries(report.findings).filter(([, { count }]) => count > 0);
  assert.deepEqual(found, [], `seed ${report.seed}`);
  assert.ok(report.faults >= 10, `${report.faults} faults`);
  assert.ok(report.fault_kinds >= 6, `${report.fault_kinds} kinds`);
  assert.ok(report.acknowledged > 10_000, `${report.acknowledged} events`);
  const kinds = Object.keys(report.faults_by_kind);
  assert.ok(kinds.filter((kind) => /^(log_|failpoint log\.)/.test(kind)).length >= 2, kinds.join(", "));
  const { tail_streams, checkpoints, entries } = report.log;
  assert.ok(entries > report.stored, `${entries} entries, with that of the log's origin`);
  assert.ok(tail_streams > 5 && checkpoints > 10, `${tail_streams} streams, ${checkpoints} checkpoints`);
});

test("npm run hammer refuses what it does not know", async () => {
  await assert.rejects(
    promisify(execFile)(process.execPath, [hammer, "--servers", "3"]),
    /--servers must be a number from 1 to 2/,
  );
});
