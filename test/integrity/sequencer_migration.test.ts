// What was recorded before there was a log gets its index too, and nothing slips through while the log is added.
import assert from "node:assert/strict";
import { test } from "node:test";
import { linkEvents } from "../../src/audit/append/chain.ts";
import { appendEvents } from "../../src/audit/append/statements.ts";
import { migrate, readMigrations } from "../../src/postgres/migrate.ts";
import { append, chainEvent, makeMonths } from "../fsck/append_chains.ts";
import { createEmptyDatabase } from "../support/database.ts";
import { appendPlaces, openLogSite } from "./log_site.ts";
import { checkedLog } from "./naive_log.ts";

async function openBeforeTheLog(t: Parameters<typeof openLogSite>[0]) {
  const database = await createEmptyDatabase("before_the_log");
  const site = await openLogSite(t, database);
  await migrate(database.url, (await readMigrations()).slice(0, 3));
  await makeMonths(site.connect());
  return site;
}

test("events recorded before there was a log are indexed, those of a chain in its order", async (t) => {
  const site = await openBeforeTheLog(t);
  const sql = site.connect();
  await appendPlaces(sql, 1, 1, 1300);
  await append(sql, [chainEvent(2, 1), chainEvent(3, 1)]);
  await appendPlaces(sql, 1, 1301, 2100);
  await migrate(site.database.url);
  await appendPlaces(sql, 1, 2101, 2110);
  await appendPlaces(sql, 4, 1, 1);
  const log = site.open();
  await log.until(2113);
  assert.equal((await checkedLog(site.admin)).length, 2113);
});

test("an append that waits for the migration's lock fails and stores nothing: it is sent again", async (t) => {
  const site = await openBeforeTheLog(t);
  const sql = site.connect();
  // Its plan is made, as that of a service at work.
  await appendPlaces(sql, 1, 1, 2);
  const log = (await readMigrations())[3]?.sql ?? assert.fail("0004 is there");
  const migration = site.connect();
  await migration.unsafe("BEGIN");
  await migration.unsafe("LOCK TABLE audit_chain_heads IN ACCESS EXCLUSIVE MODE");
  const blocked = appendEvents(sql, linkEvents([chainEvent(2, 1)], () => undefined).arguments);
  const refused = assert.rejects(blocked, { code: "42703" });
  for (let waits = false; !waits; ) {
    const [row] = await site.admin`
      SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    waits = row?.["waiting"] === 1;
  }
  await migration.unsafe(`${log}; COMMIT`).simple();
  await refused;
  const sums = await site.admin`
    SELECT (SELECT count(*)::int FROM audit_events) AS events, (SELECT sum(event_count)::int FROM audit_log_pending) AS noted`;
  assert.deepEqual({ ...sums[0] }, { events: 2, noted: 2 });
  await appendPlaces(sql, 2, 1, 1);
  await site.open().until(3);
  await checkedLog(site.admin);
});
