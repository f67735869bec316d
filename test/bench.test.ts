import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const bench = fileURLToPath(new URL("../bench/main.ts", import.meta.url));

test("npm run bench compares all sides in one run and gives the ratios", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [bench, "--quick", "--json"]);
  const report = JSON.parse(stdout) as Record<string, unknown>;
  for (const name of [
    "ingest_vs_copy",
    "ingest_vs_row_insert",
    "single_vs_batch",
    "lone_beside_flood",
    "deep_page_vs_first",
    "discovery_vs_sql_p50",
    "reconstruction_large_vs_small",
    "verify_chain_per_core",
    "export_bundle_vs_copy",
    "export_jsonl_vs_copy",
    "proof_large_vs_small",
  ]) {
    assert.ok((report[name] as number) > 0, `${name} is ${report[name]}`);
  }
});

test("npm run bench refuses what it does not know", async () => {
  await assert.rejects(
    promisify(execFile)(process.execPath, [bench, "--only", "tea"]),
    /--only knows copy, rows, ingest/,
  );
});
