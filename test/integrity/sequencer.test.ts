// Every recorded event gets its index, whoever records and whenever it is committed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { append, chainEvent } from "../fsck/append_chains.ts";
import { appendPlaces, openLogSite } from "./log_site.ts";
import { checkedLog } from "./naive_log.ts";

test("events of several connections get indexes without a gap, those of a chain in its order, also where one commits late", async (t) => {
  const site = await openLogSite(t);
  const log = site.open();
  const late = site.connect();
  await late.unsafe("BEGIN");
  await appendPlaces(late, 9, 1, 3);
  const writers = [1, 2, 3].map(async (chain) => {
    const sql = site.connect();
    for (let round = 0; round < 20; round++) {
      await appendPlaces(sql, chain, 1 + 5 * round, 5 + 5 * round);
      log.recorded();
    }
  });
  await Promise.all(writers);
  await log.until(300);
  const before = await site.admin`SELECT size::int FROM audit_log_state`;
  assert.deepEqual(before[0], { size: 300 }, "what is not committed has no index and holds nothing up");
  await late.unsafe("COMMIT");
  await log.until(303);
  await appendPlaces(site.connect(), 9, 4, 4);
  await log.until(304);
  const order = await checkedLog(site.admin);
  assert.deepEqual(order.slice(300), ["rr-9 1", "rr-9 2", "rr-9 3", "rr-9 4"]);
});

test("an append rolled back leaves nothing to be indexed", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  await appendPlaces(sql, 1, 1, 2);
  await assert.rejects(append(sql, [chainEvent(1, 3), chainEvent(1, 2)]), /duplicate/);
  await sql.unsafe("BEGIN");
  await appendPlaces(sql, 2, 1, 2);
  await sql.unsafe("ROLLBACK");
  await appendPlaces(sql, 1, 3, 3);
  const log = site.open();
  await log.until(3);
  assert.deepEqual(await checkedLog(site.admin), ["rr-1 1", "rr-1 2", "rr-1 3"]);
});

test("a restart goes on where the log was, on whatever side of a tile", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  let size = 0;
  for (const events of [1, 254, 1, 1, 255, 600]) {
    const log = site.open();
    await appendPlaces(sql, 1, size + 1, size + events);
    log.recorded();
    size += events;
    await log.until(size);
    await log.close();
  }
  assert.equal((await checkedLog(site.admin)).length, 1112);
});

test("what was recorded last is indexed before the end", async (t) => {
  const site = await openLogSite(t);
  const log = site.open();
  const sql = site.connect();
  await appendPlaces(sql, 1, 1, 1);
  await log.until(1);
  await appendPlaces(sql, 1, 2, 300);
  const started = performance.now();
  await log.close();
  assert.ok(performance.now() - started < 1_000);
  assert.equal((await checkedLog(site.admin)).length, 300);
});

test("rows that no append made do not stop the log, and are told of", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  const log = site.open();
  await appendPlaces(sql, 1, 1, 3);
  await log.until(3);
  // Places that have an index, twice; and one removed before it had any.
  await site.admin`
    INSERT INTO audit_log_pending (correlation_id, first_position, event_count, first_date, last_date, event_hashes, recorded_time)
    SELECT correlation_id, 2, 1, first_date, last_date, substring(sha256('x') FROM 1 FOR 32), now() FROM audit_log_runs`;
  await sql.unsafe("BEGIN");
  await appendPlaces(sql, 1, 4, 4);
  await sql.unsafe("DELETE FROM audit_log_pending WHERE first_position = 4");
  await sql.unsafe("COMMIT");
  await appendPlaces(sql, 1, 5, 6);
  await log.until(5);
  assert.deepEqual(log.complaints.filter((text) => !text.includes("not signed")).sort(), [
    "events were noted for the log whose places have an index: they are left aside",
    "places of a chain were never noted for the log: they have no index",
  ]);
  const left = await site.admin`SELECT first_position::int FROM audit_log_pending`;
  assert.deepEqual(left[0], { first_position: 2 });
  await site.admin`DELETE FROM audit_log_pending`;
});

test("events that the database refuses an index to are left aside, and all others go on", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  await site.admin`ALTER TABLE audit_log_runs ADD CHECK (correlation_id <> 'rr-2')`;
  for (const chain of [1, 2, 3]) await appendPlaces(sql, chain, 1, 2);
  const log = site.open();
  await log.until(4);
  assert.ok(log.complaints.includes("the database refuses an index to events: they are left without one"));
  await appendPlaces(sql, 1, 3, 3);
  await log.until(5);
  assert.equal((await site.admin`SELECT FROM audit_log_pending`).length, 1);
});

test("tiles that contradict the state, or the entries, stop the log until they are put right", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  const damages = [
    () => site.admin`UPDATE audit_log_tiles SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40))`,
    () => site.admin`UPDATE audit_log_state SET root = set_byte(root, 4, 255 - get_byte(root, 4))`,
  ];
  await appendPlaces(sql, 1, 1, 3);
  const first = site.open();
  await first.until(3);
  await first.close();
  for (const [round, damage] of damages.entries()) {
    const size = 3 + round;
    await damage();
    await appendPlaces(sql, 1, size + 1, size + 1);
    const log = site.open();
    await log.untilComplaint(/tiles contradict/);
    assert.equal((await log.reader.state(t.signal)).size, size);
    await damage();
    await log.until(size + 1);
    await checkedLog(site.admin);
    await log.close();
  }
});
