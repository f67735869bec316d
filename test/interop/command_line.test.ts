// Recorded remediations through the running service by the command line: `datastorage record` and `datastorage list`.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { runToEnd } from "./command.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { ROOT } from "./kept.ts";
import { assertWhole, byCorrelation, type RecordedEvent, recordedLines } from "./recording.ts";
import { recordings } from "./sample.ts";

const SOME_WERE_NOT_STORED = 3;

describe("datastorage record", () => {
  let endpoint: Endpoint;
  let folder: string;
  before(async () => {
    endpoint = await startEndpoint("command_line");
    folder = await mkdtemp(join(tmpdir(), "datastorage-record-"));
  });
  after(async () => {
    await endpoint?.close();
    await rm(folder, { recursive: true });
  });

  const datastorage = (...args: string[]) =>
    runToEnd(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args, "--address", endpoint.address, "--json"]);

  async function record(lines: readonly string[]): Promise<{ code: number | null; counts: Record<string, number> }> {
    const file = join(folder, "events.jsonl");
    await writeFile(file, lines.join("\n"));
    const { code, stdout, stderr } = await datastorage("record", file, "--default-outcome", "success");
    assert.notEqual(stdout, "", stderr);
    const { recorded, duplicates, conflicts, rejected, unsettled } = JSON.parse(stdout);
    return { code, counts: { recorded, duplicates, conflicts, rejected, unsettled } };
  }

  async function assertStored(events: readonly RecordedEvent[]): Promise<void> {
    for (const [correlationId, sent] of byCorrelation(events)) {
      const filter = ["--correlation-id", correlationId, "--order-by", "chain_position", "--all"];
      const { stdout } = await datastorage("list", ...filter);
      const listed = stdout.trimEnd().split("\n");
      assertWhole(
        listed.map((line): JsonObject => JSON.parse(line)),
        sent,
      );
    }
  }

  for (const recording of recordings) {
    test(`${recording.name} comes back whole, once, and as it was sent first`, async () => {
      const lines = recordedLines(recording);
      const none = { recorded: 0, duplicates: 0, conflicts: 0, rejected: 0, unsettled: 0 };
      assert.deepEqual(await record(lines), { code: 0, counts: { ...none, recorded: lines.length } });
      assert.deepEqual(await record(lines), { code: 0, counts: { ...none, duplicates: lines.length } });

      const middle = Math.floor(lines.length / 2);
      const event = JSON.parse(lines[middle] ?? "");
      const changed = lines.with(
        middle,
        JSON.stringify({ ...event, event_data: { ...event.event_data, changed: true } }),
      );
      const counts = { ...none, duplicates: lines.length - 1, conflicts: 1 };
      assert.deepEqual(await record(changed), { code: SOME_WERE_NOT_STORED, counts });
      await assertStored(recording.events);
    });
  }
});
