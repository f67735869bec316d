// Several sequencers over one log: one at a time, and nothing twice, whatever becomes of the one that had it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { FAILPOINT_VARIABLE, FAILPOINTS } from "../../src/failpoint.ts";
import { indexRows } from "../../src/integrity/log/index_rows.ts";
import { advance, readPending } from "../../src/integrity/log/log_statements.ts";
import { TreeEdge } from "../../src/integrity/log/tree_edge.ts";
import { appendPlaces, type LogSite, openLogSite } from "./log_site.ts";
import { checkedLog } from "./naive_log.ts";

/** The server's process that has the lock of the log, as soon as there is one other than `before`. */
async function holderOf({ admin, database }: LogSite, before?: number): Promise<number> {
  for (;;) {
    const [row] = await admin`
      SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
      WHERE locktype = 'advisory' AND granted AND datname = ${new URL(database.url).pathname.slice(1)}`;
    if (row !== undefined && row["pid"] !== before) return row["pid"] as number;
  }
}

test("two logs on one database take turns as their connections are cut, and give no index twice", async (t) => {
  const site = await openLogSite(t);
  const logs = [site.open(), site.open()];
  let going = true;
  const cuts = (async () => {
    for (let pid: number | undefined; going; ) {
      pid = await holderOf(site, pid);
      await site.admin`SELECT pg_terminate_backend(${pid})`;
      await logs[0]?.growth.waitBeyond(logs[0].growth.size, t.signal, 100);
    }
  })();
  const writers = [1, 2].map(async (chain) => {
    const sql = site.connect();
    for (let round = 0; round < 60; round++) {
      await appendPlaces(sql, chain, 1 + 3 * round, 3 + 3 * round);
      for (const log of logs) log.recorded();
    }
  });
  await Promise.all(writers);
  going = false;
  await cuts;
  await Promise.all(logs.map((log) => log.until(360)));
  assert.equal((await checkedLog(site.admin)).length, 360);
});

test("a process that is killed at any step is gone on from within two seconds", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  let size = 0;
  for (const step of FAILPOINTS.filter((name) => ["log.read", "log.advance", "log.advanced"].includes(name))) {
    const child = site.spawn({ [FAILPOINT_VARIABLE]: step });
    const killed = once(child, "exit");
    await holderOf(site);
    const next = site.open();
    await appendPlaces(sql, 1, size + 1, size + 200);
    size += 200;
    const [, signal] = await killed;
    assert.equal(signal, "SIGKILL", step);
    const started = performance.now();
    await next.until(size);
    assert.ok(performance.now() - started < 2_000, step);
    await next.close();
  }
  await checkedLog(site.admin);
});

test("a process that stands still loses the log, and does no harm when it goes on", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  const child = site.spawn();
  const pid = await holderOf(site);
  await appendPlaces(sql, 1, 1, 10);
  const next = site.open();
  await next.until(10);
  child.kill("SIGSTOP");
  await appendPlaces(sql, 1, 11, 20);
  await next.until(20);
  assert.notEqual(await holderOf(site, pid), pid);
  child.kill("SIGCONT");
  await appendPlaces(sql, 1, 21, 300);
  await next.until(300);
  assert.equal((await checkedLog(site.admin)).length, 300);
});

test("an advance that comes late is stale and changes nothing", async (t) => {
  const site = await openLogSite(t);
  const sql = site.connect();
  await appendPlaces(sql, 1, 1, 5);
  const late = await indexRows(new TreeEdge(), await readPending(sql, 100, []));
  const log = site.open();
  await log.until(5);
  assert.equal(await advance(sql, late), "stale");
  // Also where the size is what it built on, but the rows are gone.
  assert.equal(await advance(sql, { ...late, expectedSize: 5, newSize: 10 }), "stale");
  assert.equal((await checkedLog(site.admin)).length, 5);
});
