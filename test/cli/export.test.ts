import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { verifyBundle } from "../../src/integrity/offline/verify_bundle.ts";
import { newEvents } from "../support/audit_service.ts";
import { startSigningService } from "../support/exported.ts";
import { datastorage, start } from "./datastorage.ts";

const { client, address, stop } = await startSigningService({ after });
await client.recordEvents({ events: [...newEvents(3), ...newEvents(2, { correlationId: "rr-other" })] });
const folder = mkdtempSync(join(tmpdir(), "datastorage-cli-export-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

test("a bundle is written under its name when it is whole, in place of what was there", async () => {
  const file = join(folder, "all.tar");
  for (const _ of ["anew", "again"]) {
    const { code, stdout, stderr } = await datastorage(["export", "--address", address, "-o", file]);
    assert.equal(stderr, "");
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`SHA-256  ${sha256(readFileSync(file))}`));
  }
  assert.deepEqual(readdirSync(folder), ["all.tar"]);
  const report = await verifyBundle([readFileSync(file)] as unknown as AsyncIterable<Uint8Array>, { keys: [] });
  assert.ok(report.events >= 5);
});

test("--json tells what was exported", async () => {
  const file = join(folder, "other.jsonl");
  const flags = ["--format", "jsonl", "--correlation-id", "rr-other", "--json", "-o", file];
  const { code, stdout } = await datastorage(["export", "--address", address, ...flags]);
  assert.equal(code, 0);
  const { export_id: exportId, tree_size: treeSize, ...told } = JSON.parse(stdout);
  const content = readFileSync(file);
  assert.deepEqual(told, { file, format: "jsonl", events: 2, bytes: content.length, sha256: sha256(content) });
  assert.match(exportId, /^export-/);
  assert.ok(treeSize >= 5);
});

test("standard output gets the bytes, and standard error what they are", async () => {
  const running = start(["export", "--address", address, "--format", "parquet", "-o", "-", "--json"]);
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 0);
  assert.equal(stdout.slice(0, 4), "PAR1");
  assert.ok(JSON.parse(stderr).bytes > 1000);
  const text = await datastorage([
    "export",
    "--address",
    address,
    "-f",
    "csv",
    "-o",
    "-",
    "--correlation-id",
    "rr-other",
  ]);
  assert.equal(text.stdout.trimEnd().split("\r\n").length, 3);
  assert.match(text.stderr, /^Exported 2 events of a log of \d+ entries/);
});

test("bytes that no terminal can show are not written to one", async () => {
  const { code, stderr } = await datastorage(["export", "--address", address, "-o", "-"], { columns: 80 });
  assert.equal(code, 2);
  assert.match(stderr, /--output FILE/);
});

test("what cannot be written, and what the service refuses, leave no file behind", async () => {
  const nowhere = await datastorage(["export", "--address", address, "-o", join(folder, "no", "where.tar")]);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /cannot be written \(ENOENT\)/);
  const before = readdirSync(folder);
  const refused = await datastorage(["export", "--address", address, "-o", join(folder, "x"), "--namespace", "\0"]);
  assert.equal(refused.code, 2);
  await stop();
  const away = await datastorage(["export", "--address", address, "-o", join(folder, "x")]);
  assert.equal(away.code, 1);
  assert.deepEqual(readdirSync(folder), before);
});
