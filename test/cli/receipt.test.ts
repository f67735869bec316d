// What a user of `datastorage receipt` sees.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseTlogProof } from "../../src/integrity/note/tlog_proof.ts";
import { newEvent } from "../support/audit_service.ts";
import { signingSettings, startLogSite } from "../support/log_site.ts";
import { datastorage } from "./datastorage.ts";

const site = await startLogSite({ after });
const receipt = (...args: string[]) => datastorage(["receipt", ...args, "--address", site.address]);

test("receipt waits for a checkpoint, says so, and prints the proof or writes it to a file", async (t) => {
  const { DATASTORAGE_DATA_DIR: folder = "" } = await signingSettings(t);
  const { eventId } = newEvent();
  let waiting: ReturnType<typeof receipt> | undefined;
  // Whoever would index it waits for this row.
  await site.admin.begin(async (held) => {
    await held`SELECT FROM audit_log_state FOR UPDATE`;
    await site.client.recordEvents({ events: [newEvent({ eventId, correlationId: "rr-receipt" })] });
    waiting = receipt(eventId);
    await held`SELECT pg_sleep(0.3)`;
  });
  const printed = await waiting;
  assert.deepEqual([printed?.code, printed?.stderr], [0, `no checkpoint covers ${eventId} yet; waiting up to 10 s\n`]);
  const { index } = parseTlogProof(printed?.stdout ?? "");

  const file = join(folder, "one.tlog-proof");
  const kept = await receipt(eventId.toUpperCase(), "--output", file);
  assert.deepEqual([kept.code, kept.stdout], [0, ""]);
  assert.match(kept.stderr, new RegExp(`stands at place ${index} of the log, in the tree of \\d+ entries\n$`));
  assert.equal(parseTlogProof(await readFile(file, "utf8")).index, index);
});

test("receipt refuses what is no event, and files that cannot be written", async () => {
  const [eventId = ""] = await site.record(1, "rr-receipt");
  const unknown = await receipt("00000000-0000-7000-8000-000000000000");
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /EVENT_NOT_FOUND/);
  assert.equal((await receipt("event")).code, 2);
  assert.equal((await receipt()).code, 2);
  const unwritable = await receipt(eventId, "-o", "/nowhere/at/all");
  assert.deepEqual(unwritable, {
    code: 1,
    stdout: "",
    stderr: "datastorage: --output /nowhere/at/all cannot be written (ENOENT)\n",
  });
});
