import assert from "node:assert/strict";
import { after, test } from "node:test";
import postgres from "postgres";
import { classifyError } from "../../src/postgres/errors.ts";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { createEmptyDatabase } from "../support/database.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

const database = await createEmptyDatabase("pool");
const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
const open: Sql[] = [];
after(async () => {
  await Promise.all(open.map((sql) => sql.end({ timeout: 0 })));
  await admin.end();
  await proxy.close();
  await database.drop();
});

function pool(connections: number, overProxy = false): Sql {
  const url = new URL(database.url);
  if (overProxy) url.port = String(proxy.port);
  const sql = openPool({ url: url.href, connections, applicationName: "pool test", statementTimeoutMs: 0 });
  open.push(sql);
  return sql;
}

test("a quick statement does not wait behind a slow one while another connection comes free", {
  timeout: 5000,
}, async () => {
  const sql = pool(2);
  await Promise.all([sql.unsafe("SELECT pg_sleep(0.02)"), sql.unsafe("SELECT pg_sleep(0.02)")]);
  await admin`SELECT pg_advisory_lock(1)`;
  const slow = sql.unsafe("SELECT pg_advisory_lock_shared(1)").execute();
  const short = sql.unsafe("SELECT pg_sleep(0.02)").execute();
  // Prepared already or not, whichever connection it would be queued on: it is answered while the slow one still runs.
  const quick = [sql.unsafe("SELECT 1"), sql.unsafe("SELECT 1"), sql.unsafe("SELECT 1")];
  await short;
  await Promise.all(quick);
  await admin`SELECT pg_advisory_unlock(1)`;
  await slow;
});

test("a server that closes new connections without a word counts as away, at once", { timeout: 5000 }, async () => {
  proxy.onConnect = "close";
  const accepted = proxy.accepted;
  const sql = pool(1, true);
  const begun = performance.now();
  await assert.rejects(sql.unsafe("SELECT 1"), (error) => classifyError(error) === "transient");
  assert.ok(performance.now() - begun < 1000);
  assert.equal(proxy.accepted - accepted, 1, "and is not called in a loop");
  proxy.onConnect = "pass";
  assert.deepEqual([...(await sql.unsafe("SELECT 1 AS one"))], [{ one: 1 }], "the next statement tries anew");
});

test("a server that refuses connections counts as away, and the next statement tries anew", async () => {
  const gone = await startTcpProxy(1);
  await gone.close();
  const url = new URL(database.url);
  url.port = String(gone.port);
  const sql = openPool({ url: url.href, connections: 1, applicationName: "pool test", statementTimeoutMs: 0 });
  open.push(sql);
  const begun = performance.now();
  for (let attempt = 0; attempt < 10; attempt++) {
    await assert.rejects(sql.unsafe("SELECT 1"), (error) => classifyError(error) === "transient");
  }
  assert.ok(performance.now() - begun < 1000, "without a growing pause");
});

for (const end of ["ends", "resets"] as const) {
  test(`a statement sent while the server ${end} the connection is answered, by an error if need be`, {
    timeout: 20_000,
  }, async () => {
    const sql = pool(1, true);
    let failed = 0;
    for (let round = 0; round < 60; round++) {
      await sql.unsafe("SELECT 1").catch(() => {});
      const gone =
        end === "resets"
          ? proxy.reset()
          : admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'pool test'`.execute();
      // One after the other, at every turn of the event loop: also when the end is noticed and not yet dealt with.
      let running = false;
      for (let turn = 0; turn < 60 || running; turn++) {
        if (!running && turn < 60) {
          running = true;
          sql.unsafe("SELECT 1").then(
            () => {
              running = false;
            },
            () => {
              running = false;
              failed++;
            },
          );
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      await gone;
    }
    assert.ok(failed > 0, "some were sent too late");
    // The last end may still be on its way, and postgres.js tells it once more.
    const again = () => sql.unsafe("SELECT 1 AS one");
    assert.deepEqual([...(await again().catch(again).catch(again))], [{ one: 1 }]);
  });
}

test("times come as PostgreSQL's own text, to the microsecond, in UTC", async () => {
  const sql = pool(1);
  const [row] = await sql.unsafe(
    "SELECT '2026-05-13T23:24:03.123456+02'::timestamptz AS at, '0001-01-01'::date AS day, current_setting('synchronous_commit') AS sync",
  );
  assert.deepEqual({ ...row }, { at: "2026-05-13 21:24:03.123456+00", day: "0001-01-01", sync: "on" });
});
