// A process that is killed while it signs, and those that go on after it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FAILPOINT_VARIABLE, type Failpoint } from "../../src/failpoint.ts";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import { parseNote } from "../../src/integrity/note/signed_note.ts";
import { assertConsistent, logKeys, openSealingSite } from "./sealing_site.ts";

const site = await openSealingSite();
const pem = newPrivateKey();
after(() => site.close());
const program = fileURLToPath(new URL("sealing_process.ts", import.meta.url));

/** Has a process go on with the log and be killed when it passes a place for the second time. */
async function killedAt(place: Failpoint): Promise<void> {
  const child = spawn(process.execPath, [program], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 30_000,
    killSignal: "SIGTERM",
    env: {
      PATH: process.env["PATH"],
      DATABASE_URL: site.database.url,
      DATASTORAGE_DATA_DIR: site.dataDir,
      DATASTORAGE_LOG_KEY: pem,
      [FAILPOINT_VARIABLE]: `${place}:2`,
    },
  });
  const exited = once(child, "exit");
  await site.record(3);
  await site.untilPublished(await indexed());
  await site.record(2);
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL", `killed at ${place}`);
}

/** Entries that there are once all that waits has an index. */
async function indexed(): Promise<number> {
  const [row] = await site.sql<{ size: string }[]>`
    SELECT (size + (SELECT coalesce(sum(event_count), 0) FROM audit_log_pending))::text AS size FROM audit_log_state`;
  return Number(row?.size);
}

const seen: string[] = [];
/** What may be known of the log to anybody: what was published, what is kept, and what the database has as signed. */
async function look(): Promise<void> {
  const [state] = await site.sql<{ note: string }[]>`SELECT signed_note AS note FROM audit_log_state`;
  seen.push(site.kept(), state?.note ?? "");
}

const PLACES = ["log.sign", "log.signed", "log.kept", "log.published"] as const;

test("killed at any place of signing, no checkpoint ever contradicts another", async () => {
  for (const place of PLACES) {
    await killedAt(place);
    await look();
  }
  const keys = logKeys(pem);
  const last = await site.start({ keys, origin: "audit.example.com/killed" });
  const note = await site.untilPublished(5 * PLACES.length);
  assert.equal(
    last.told.find(({ level }) => level === "error"),
    undefined,
  );
  await look();
  const published = await site.published();
  const checkpoints = await assertConsistent(site, keys, [...published, ...seen]);
  assert.equal(parseCheckpoint(note.text).size, 5 * PLACES.length);
  const sizes = checkpoints.slice(0, published.length).map(({ size }) => size);
  assert.deepEqual(
    sizes,
    sizes.toSorted((a, b) => a - b),
    "what is published never goes back",
  );
});

test("a checkpoint is kept outside before it is published", async () => {
  const kept = parseCheckpoint(parseNote(seen[2 * PLACES.indexOf("log.kept")] ?? "").text);
  const signedOnly = parseCheckpoint(parseNote(seen[2 * PLACES.indexOf("log.signed")] ?? "").text);
  const signed = parseCheckpoint(parseNote(seen[2 * PLACES.indexOf("log.signed") + 1] ?? "").text);
  assert.ok(signedOnly.size < signed.size, "killed at log.signed, it is in the database alone");
  assert.equal(kept.size % 5, 0, "killed at log.kept, it is kept");
  assert.equal(kept.size, 5 * (1 + PLACES.indexOf("log.kept")));
});
