// A database that is not what was signed of it: nothing is indexed or signed until somebody says how to go on.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseCheckpoint } from "../../src/integrity/note/checkpoint.ts";
import { parseNote } from "../../src/integrity/note/signed_note.ts";
import { KeptCheckpoint } from "../../src/integrity/sealing/kept_checkpoint.ts";
import { openNewOrigin } from "../../src/integrity/sealing/new_origin.ts";
import { Database } from "../../src/postgres/database.ts";
import { assertConsistent, logKeys, openSealingSite, type SealingSite, type TestLog, until } from "./sealing_site.ts";

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});
async function openSite(): Promise<SealingSite> {
  const site = await openSealingSite();
  ends.push(() => site.close());
  return site;
}

const TABLES = ["state", "tiles", "entries", "runs", "pending", "checkpoints", "origins", "keys"];

async function backUp({ sql }: SealingSite): Promise<void> {
  await sql.unsafe(TABLES.map((table) => `CREATE TABLE backup_${table} AS TABLE audit_log_${table}`).join(";"));
}

/** As a backup does it: all at once, whoever is connected. */
async function restore({ sql }: SealingSite): Promise<void> {
  const statements = TABLES.map((table) => {
    const overriding = table === "pending" ? "OVERRIDING SYSTEM VALUE" : "";
    return `DELETE FROM audit_log_${table}; INSERT INTO audit_log_${table} ${overriding} TABLE backup_${table}`;
  });
  await sql.unsafe(
    `SET session_replication_role = replica; BEGIN; ${statements.join(";")}; COMMIT; RESET session_replication_role`,
  );
}

async function sizes({ sql }: SealingSite): Promise<{ size: number; pending: number }> {
  const [row] = await sql<{ size: string; pending: string }[]>`SELECT size::text,
    (SELECT coalesce(sum(event_count), 0)::text FROM audit_log_pending) AS pending FROM audit_log_state`;
  return { size: Number(row?.size), pending: Number(row?.pending) };
}

/** Fails when the log grows or is published although it must not: it looks for as long as some rounds take. */
async function assertStill(
  site: SealingSite,
  log: TestLog,
  expected: { size: number; pending: number },
): Promise<void> {
  const published = (await site.published()).length;
  const before = log.told.length;
  log.advance(61_000);
  await until(
    async () => (log.told.slice(before).some(({ text }) => /contradicts/.test(text)) ? true : undefined),
    "told again",
  );
  assert.deepEqual(await sizes(site), expected);
  assert.equal((await site.published()).length, published);
  assert.equal(log.open.sealingStatus(), "contradicted");
}

async function goOn(site: SealingSite, keys: ReturnType<typeof logKeys>, origin: string) {
  const database = new Database({
    url: site.database.url,
    connections: 1,
    applicationName: "test",
    statementTimeoutMs: 5000,
  });
  try {
    const { file } = new KeptCheckpoint(site.dataDir);
    return await openNewOrigin({ database, kept: { note: site.kept(), file }, keys, origin, reason: "restored" });
  } finally {
    await database.end();
  }
}

test("a restored backup stops the log until a new origin is opened, which says what it contradicts", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys });
  await site.record(300);
  const { origin } = parseCheckpoint((await site.untilPublished(300)).text);
  await first.close();
  await backUp(site);
  const second = await site.start({ keys });
  await site.record(20);
  await site.untilPublished(320);
  const keptBefore = site.kept();
  await site.record(10);
  await site.untilPublished(330);
  await second.close();
  const kept = site.kept();
  const { root } = parseCheckpoint(parseNote(kept).text);
  await restore(site);

  const log = await site.start({ keys });
  const { text, level } = await log.untilTold(/contradicts/);
  assert.equal(level, "error");
  for (const named of [
    origin,
    "size 330",
    root.toString("base64"),
    site.keptFile,
    "holds 300 entries",
    "datastorage log new-origin",
  ]) {
    assert.ok(text.includes(named), `it names ${named}: ${text}`);
  }
  await site.record(7);
  await assertStill(site, log, { size: 300, pending: 7 });

  const change = await goOn(site, keys, "audit.example.com/second");
  assert.equal(change.outcome, "opened");
  assert.equal(change.contradiction?.kind, "older_tree");
  const note = await site.untilPublished(307);
  assert.deepEqual(
    { ...parseCheckpoint(note.text), root: 0 },
    { origin: "audit.example.com/second", size: 307, root: 0 },
  );
  assert.ok(log.told.some(({ text: told }) => told.includes("no longer contradicts")));
  const [row] = await site.sql`SELECT * FROM audit_log_origins ORDER BY number DESC LIMIT 1`;
  assert.equal(row?.["contradicted_checkpoint"], kept);
  assert.equal(row?.["reason"], "restored");
  assert.equal(parseCheckpoint(parseNote(row?.["predecessor_checkpoint"]).text).size, 300);
  const [opened] = log.recorded;
  assert.equal(opened?.type, "datastorage.log.origin_opened");
  assert.equal(opened?.data["contradicted_checkpoint"], kept);
  assert.equal((await goOn(site, keys, "audit.example.com/second")).outcome, "known");
  await log.close();

  // What another process kept of the time before is of the past by now, and no contradiction.
  for (const [index, past] of [kept, keptBefore].entries()) {
    writeFileSync(site.keptFile, past);
    const last = await site.start({ keys });
    await site.record(1);
    await site.untilPublished(308 + index);
    assert.ok(!last.told.some(({ text: told }) => told.includes("contradicts what")));
    await last.close();
  }
});

test("an origin that the database forgot when it was taken back is not opened again: it was signed under", async () => {
  const site = await openSite();
  const keys = logKeys();
  await backUp(site);
  const first = await site.start({ keys, origin: "audit.example.com/forgotten" });
  await site.record(2);
  await site.untilPublished(2);
  await first.close();
  await restore(site);
  await site.sql`DELETE FROM audit_log_origins`;
  const log = await site.start({ keys, origin: "audit.example.com/forgotten" });
  const { text } = await log.untilTold(/contradicts/);
  assert.match(text, /it knows none.*give the service its own data folder, or restore the database/s);
  assert.equal((await goOn(site, keys, "audit.example.com/forgotten")).outcome, "known");
  assert.equal((await goOn(site, keys, "audit.example.com/next")).outcome, "opened");
  assert.equal((await goOn(site, keys, "audit.example.com/forgotten")).outcome, "known");
});

test("a database that is taken back under a running service stops its log", async () => {
  const site = await openSite();
  const keys = logKeys();
  const log = await site.start({ keys });
  await site.record(3);
  await site.untilPublished(3);
  await backUp(site);
  await site.record(2);
  await site.untilPublished(5);
  await restore(site);
  await log.untilTold(/holds 3 entries, fewer than the checkpoint kept in/);
  await site.record(4);
  await assertStill(site, log, { size: 3, pending: 4 });
  await assertConsistent(site, keys, (await site.published()).slice(0, 1));
});

test("a tree of the same size with another root stops the log", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys });
  await site.record(3);
  await site.untilPublished(3);
  await backUp(site);
  await site.record(2);
  await site.untilPublished(5);
  await first.close();
  const kept = site.kept();
  await restore(site);
  rmSync(site.keptFile);
  const forgetful = await site.start({ keys });
  await site.record(2);
  await site.untilPublished(5);
  await forgetful.close();
  writeFileSync(site.keptFile, kept);
  const log = await site.start({ keys });
  await log.untilTold(/holds another tree than the checkpoint kept in .* its first 5 entries have the root/);
  await assertStill(site, log, { size: 5, pending: 0 });
  const change = await goOn(site, keys, "audit.example.com/after");
  assert.equal(change.contradiction?.kind, "other_root");
  assert.equal(parseCheckpoint((await site.untilPublished(5)).text).origin, "audit.example.com/after");
});

test("without anything kept outside, a tree that was changed contradicts what the database itself has signed", async () => {
  const site = await openSite();
  const keys = logKeys();
  const first = await site.start({ keys });
  await site.record(3);
  await site.untilPublished(3);
  await first.close();
  rmSync(site.keptFile);
  await site.sql`UPDATE audit_log_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)`;
  const changed = await site.start({ keys });
  await changed.untilTold(/holds another tree than the checkpoint that the database has as published/);
  await changed.close();
  await site.sql`DELETE FROM audit_log_tiles`;
  const gone = await site.start({ keys });
  await gone.untilTold(/is damaged: tile\/0\/000 must hold 2 hashes or more, and holds 0/);
});

test("a checkpoint of another log stops the log, and a new origin links it", async () => {
  const [site, other] = [await openSite(), await openSite()];
  const keys = logKeys();
  const elsewhere = await other.start({ keys, origin: "audit.example.com/elsewhere" });
  await other.record(1);
  await other.untilPublished(1);
  await elsewhere.close();
  const here = await site.start({ keys });
  await site.record(2);
  await site.untilPublished(2);
  await here.close();
  writeFileSync(site.keptFile, other.kept());
  const log = await site.start({ keys });
  await log.untilTold(/origin audit\.example\.com\/elsewhere, size 1.* that the database does not know/);
  assert.equal((await goOn(site, keys, "audit.example.com/joined")).contradiction?.kind, "unknown_origin");
  assert.equal(parseCheckpoint((await site.untilPublished(2)).text).origin, "audit.example.com/joined");
});

test("a process that waits keeps its own copy of what is published, and tells when it is taken back", async () => {
  const site = await openSite();
  const keys = logKeys();
  await site.start({ keys });
  await site.record(1);
  await site.untilPublished(1);
  const dataDir = mkdtempSync(join(tmpdir(), "datastorage-standby-"));
  ends.push(() => rmSync(dataDir, { recursive: true }));
  const standby = await site.start({ keys, dataDir });
  const copied = (size: number) =>
    until(async () => {
      try {
        const note = readFileSync(join(dataDir, "log", "checkpoint"), "utf8");
        return parseCheckpoint(parseNote(note).text).size >= size ? note : undefined;
      } catch {
        return undefined;
      }
    }, `a copy of ${size}`);
  await copied(1);
  assert.equal(standby.open.sealingStatus(), "standby");
  assert.ok(standby.open.exportSigner());
  await backUp(site);
  await site.record(2);
  await site.untilPublished(3);
  const copy = await copied(3);
  await restore(site);
  await standby.untilTold(/contradicts what was signed of it: the database holds 1 entries/);
  assert.equal(await copied(3), copy);
});
