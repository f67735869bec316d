// From a recording to a proof: what is exported verifies when service and database are gone.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type ExportedSample, exportSample, SAMPLE, SAMPLE_CORRELATION } from "../support/exported_sample.ts";
import { datastorage } from "./datastorage.ts";

const RECEIPT_OF = JSON.parse(readFileSync(SAMPLE, "utf8").split("\n")[40] as string).event_id as string;

let exported: ExportedSample;
before(async () => {
  exported = await exportSample({
    "all.tar": ["export"],
    "one.tar": ["export", "--correlation-id", SAMPLE_CORRELATION],
    "some.tar": ["export", "--event-types", "aianalysis.*"],
    "one.tlog-proof": ["receipt", RECEIPT_OF],
  });
});
after(() => exported.remove());

const verify = (file: string, ...more: readonly string[]) =>
  datastorage(["verify", exported.path(file), "--verifier-key", exported.verifierKey, "--json", ...more]);

test("all events, a correlation's and a filter's are proven by the log's key alone", async () => {
  const reports = await Promise.all(["all.tar", "one.tar", "some.tar"].map((file) => verify(file)));
  const [all, one, some] = reports.map(({ code, stdout }) => {
    assert.equal(code, 0, stdout);
    return JSON.parse(stdout);
  });
  assert.deepEqual(new Set([all.result, one.result, some.result]), new Set(["proven"]));
  assert.equal(all.events, all.checkpoint.size, "nothing of the log is left out");
  assert.deepEqual([one.events, one.whole_correlation, one.links], [90, SAMPLE_CORRELATION, 90]);
  assert.ok(some.events > 0 && some.events < 90, `${some.events} events`);
  assert.deepEqual(
    one.checkpoint.keys.map(({ purpose, given }: { purpose: string; given: boolean }) => [purpose, given]),
    [
      ["log", true],
      ["cosigner", false],
    ],
  );
});

test("one byte changed: it fails and names the event", async () => {
  const archive = readFileSync(exported.path("one.tar"));
  const begin = archive.indexOf('"log_index":', archive.indexOf("events-000001.jsonl"));
  const end = archive.indexOf("\n", begin);
  const line = JSON.parse(archive.subarray(begin - 1, end).toString());
  for (const member of Object.keys(line)) {
    const changed = Buffer.from(archive);
    const at = changed.indexOf(`"${member}":`, begin - 1) + member.length + 4;
    changed[at] = (changed[at] as number) ^ 1;
    writeFileSync(exported.path("changed.tar"), changed);
    const { code, stdout } = await verify("changed.tar");
    const { flaw } = JSON.parse(stdout);
    assert.deepEqual([code, flaw.file, flaw.line], [1, "events-000001.jsonl", 1], `${member}: ${stdout}`);
    if (flaw.event_id !== undefined && member !== "event_id") assert.equal(flaw.event_id, line.event_id);
  }
});

test("a receipt proves its event, held against the line of a bundle", async () => {
  const archive = readFileSync(exported.path("one.tar")).toString();
  const line = archive.split("\n").find((text) => text.includes(`"event_id":"${RECEIPT_OF}"`)) as string;
  writeFileSync(exported.path("event.json"), line.slice(line.indexOf('{"')));
  const { stdout } = await verify("one.tlog-proof", "--event", exported.path("event.json"));
  const report = JSON.parse(stdout);
  assert.deepEqual([report.result, report.event, report.event_id], ["proven", "whole", RECEIPT_OF]);
});
