// `datastorage fsck` as a user calls it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startEmbedded } from "../../src/embedded/embedded.ts";
import { migrate } from "../../src/postgres/migrate.ts";
import { openPool } from "../../src/postgres/pool.ts";
import { datastorage } from "../cli/datastorage.ts";
import { indexAll, newSigner, seal } from "../integrity/indexed_store.ts";
import { appendChains, eventId } from "./append_chains.ts";
import { damagedStore } from "./damaged_store.ts";

/** What is printed, without the seconds that checks take. */
function timeless(text: string): string[] {
  return text
    .replaceAll(/ +\d+\.\d$/gm, "")
    .trimEnd()
    .split("\n");
}

test("a store with nothing wrong: a table, and exit code 0", async (context) => {
  const { database } = await damagedStore(context, 3, 4);
  const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1" };
  const { code, stdout, stderr } = await datastorage(["fsck"], { env });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const lines = timeless(stdout);
  assert.equal(lines[0], "CHECK       LOOKED AT                            FAULTS  SECONDS");
  assert.match(stdout, /^ids +12 ids +0 /m);
  assert.match(stdout, /^chains +12 events +0 /m);
  assert.match(stdout, /^heads +3 heads +0 /m);
  assert.match(stdout, /^queue +not checked: there is no VALKEY_URL$/m);
  assert.equal(lines.at(-1), "no faults");
});

test("faults: a line each, a summary, and exit code 1", async (context) => {
  const { database, damage } = await damagedStore(context);
  await damage(
    "DELETE FROM audit_chain_heads WHERE correlation_id = 'rr-2'",
    `UPDATE audit_event_ids SET salt = NULL WHERE event_id = '${eventId(1, 1)}'`,
  );
  const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1" };
  const people = await datastorage(["fsck"], { env });
  assert.equal(people.code, 1);
  const lines = people.stdout.trimEnd().split("\n");
  assert.deepEqual(lines.slice(0, 3), [
    `ids: an event has no salt; correlation rr-1, position 1, event ${eventId(1, 1)}`,
    `heads: a chain has no head; correlation rr-2, position 4, event ${eventId(2, 4)}`,
    "log: the log knows events that the chain's head does not; correlation rr-2, position 1",
  ]);
  assert.equal(lines.at(-1), "3 faults");
  const programs = await datastorage(["fsck", "--json"], { env });
  assert.equal(programs.code, 1);
  const objects = programs.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(objects[0], {
    fault: {
      check: "ids",
      kind: "no_salt",
      correlationId: "rr-1",
      position: 1,
      eventId: eventId(1, 1),
      meaning: "an event has no salt",
    },
  });
  assert.deepEqual(Object.keys(objects[3]), ["summary"]);
  assert.equal(objects[3].summary.faults, 3);
  const one = await datastorage(["fsck", "--correlation-id", "rr-1"], { env });
  assert.doesNotMatch(one.stdout, /has no head/);
});

test("a checkpoint kept elsewhere, and the log's key, are what the log is held against", async (context) => {
  const { database, damage } = await damagedStore(context);
  const signer = newSigner();
  const pool = openPool({ url: database.url, connections: 1, applicationName: "test", statementTimeoutMs: 0 });
  await indexAll(pool);
  const note = await seal(pool, signer);
  await pool.end({ timeout: 1 });
  const folder = await mkdtemp(join(tmpdir(), "datastorage-fsck-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "kept");
  await writeFile(file, note);
  const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1", DATASTORAGE_DATA_DIR: folder };
  const flags = ["--checkpoint", file, "--verifier-key", signer.verifier.verifierKey];
  const good = await datastorage(["fsck", ...flags], { env });
  assert.deepEqual([good.code, good.stderr], [0, ""]);
  assert.match(good.stdout, /^log +8 entries +0 /m);
  // What only the outside can tell: the database has forgotten all that was signed.
  await damage(
    "DELETE FROM audit_log_checkpoints",
    "UPDATE audit_log_state SET size = 0, root = sha256(''), signed_size = 0, signed_note = NULL, published_size = 0, published_note = NULL",
    "DELETE FROM audit_log_runs; DELETE FROM audit_log_entries; DELETE FROM audit_log_tiles",
    `INSERT INTO audit_log_pending (
       correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
     SELECT correlation_id, chain_position, 1, event_date, event_date, decode(event_hash, 'hex'), recorded_time
     FROM audit_events`,
  );
  assert.equal((await datastorage(["fsck"], { env })).code, 0);
  const said = "log: a checkpoint is of a larger tree than the log holds";
  const given = await datastorage(["fsck", ...flags], { env });
  assert.equal(given.code, 1);
  assert.equal(given.stdout.split("\n")[0], `${said}; ${file}; expected 8 entries, found 0`);
  // As a service keeps it.
  await mkdir(join(folder, "log"));
  await writeFile(join(folder, "log", "checkpoint"), note);
  const kept = await datastorage(["fsck"], { env });
  assert.equal(
    kept.stdout.split("\n")[0],
    `${said}; ${join(folder, "log", "checkpoint")}; expected 8 entries, found 0`,
  );
  const unread = await datastorage(["fsck", "--checkpoint", join(folder, "none")], { env });
  assert.deepEqual([unread.code, /cannot be read \(ENOENT\)/.test(unread.stderr)], [1, true]);
  const wrong = await datastorage(["fsck", "--verifier-key", "key"], { env });
  assert.deepEqual([wrong.code, /--verifier-key: a verifier key must be/.test(wrong.stderr)], [2, true]);
});

test("what an event says cannot take the terminal over", async (context) => {
  const { database, damage } = await damagedStore(context, 1, 1);
  await damage("INSERT INTO audit_chain_heads VALUES (E'\\x1b[2J', 1, '')");
  const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1" };
  const { stdout } = await datastorage(["fsck"], { env });
  assert.match(stdout, /^heads: a head has no chain; correlation �\[2J, position 1$/m);
});

test("no database: exit code 1; nothing named and an empty data folder: exit code 2", async (context) => {
  const away = await datastorage(["fsck"], { env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" } });
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^datastorage: the database cannot be used now: .*ECONNREFUSED/);
  const folder = await mkdtemp(join(tmpdir(), "datastorage-fsck-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const none = await datastorage(["fsck", "--data-dir", folder]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /DATABASE_URL is not set, and the data folder .* holds no database/);
});

test("a data folder: of the service that runs on it, and started for the while where none does", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "datastorage-fsck-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const config = { dataDir: folder, databaseUrl: undefined, valkeyUrl: undefined };
  const running = await startEmbedded({ config, fresh: false, log: { info() {}, warn() {} } });
  try {
    await migrate(running.databaseUrl);
    await appendChains(running.databaseUrl, 2, 3);
    const live = await datastorage(["fsck"], { env: { DATASTORAGE_DATA_DIR: folder, DATASTORAGE_MONTHS_AHEAD: "1" } });
    assert.equal(live.code, 0, live.stderr + live.stdout);
    assert.match(live.stdout, /^chains +6 events +0 /m);
    assert.equal(/there is no VALKEY_URL/.test(live.stdout), running.valkeyUrl === undefined);
  } finally {
    await running.stop();
  }
  const alone = await datastorage(["fsck", "--data-dir", folder], { env: { DATASTORAGE_MONTHS_AHEAD: "1" } });
  assert.equal(alone.code, 0, alone.stderr + alone.stdout);
  assert.match(alone.stdout, /^chains +6 events +0 /m);
});
