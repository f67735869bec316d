import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import postgres from "postgres";
import { Database } from "../../src/postgres/database.ts";
import { classifyError } from "../../src/postgres/errors.ts";
import { readEach, readRows } from "../../src/postgres/read.ts";
import { createEmptyDatabase } from "../support/database.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

const empty = await createEmptyDatabase("database");
const serverPort = Number(new URL(await adminUrl()).port);
const admin = postgres(empty.adminUrl, { max: 1, onnotice: () => {} });
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  await Promise.all(closing.map((close) => close()));
  await admin.end();
  await empty.drop();
});

function open(connections: number, port = serverPort): Database {
  const url = new URL(empty.url);
  url.port = String(port);
  const name = `database test ${closing.length}`;
  const database = new Database({ url: url.href, connections, applicationName: name, statementTimeoutMs: 100 });
  closing.push(() => database.end());
  return database;
}

async function openProxy() {
  const proxy = await startTcpProxy(serverPort);
  closing.push(() => proxy.close());
  return proxy;
}

const one = async (database: Database) => [...(await database.run((sql) => sql.unsafe("SELECT 1 AS one")))];
const isTransient = (error: unknown) => classifyError(error) === "transient";

for (const connections of [1, 3]) {
  test(`a connection of ${connections} that the server ends fails its statement alone`, async () => {
    const database = open(connections);
    // A statement in the simple protocol runs while its connection is ended from within.
    const ended = database.run((sql) => sql.unsafe("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(9)"));
    await assert.rejects(ended, isTransient);
    for (let statement = 0; statement < 5; statement++) assert.deepEqual(await one(database), [{ one: 1 }]);
  });
}

test("a read that ends among its rows leaves nothing of them to the next statement of its connection", async () => {
  const database = open(1);
  const { signal } = new AbortController();
  const failing = { text: "SELECT 1 / (3 - n) AS n FROM generate_series(1, 5) AS n", parameters: [] };
  await assert.rejects(readRows(database, failing, signal), /division by zero/);
  assert.deepEqual(await one(database), [{ one: 1 }]);
  const taken: unknown[] = [];
  await assert.rejects(
    readEach(database, failing, signal, (row) => taken.push(row) > 0),
    /division by zero/,
  );
  assert.deepEqual([taken.length, await one(database)], [2, [{ one: 1 }]]);
  const numbers = { text: "SELECT n FROM generate_series(1, 100) AS n", parameters: [] };
  const refuse = () => {
    throw new RangeError("no such row");
  };
  await assert.rejects(readEach(database, numbers, signal, refuse), RangeError);
  assert.deepEqual(await one(database), [{ one: 1 }]);
  const some: unknown[] = [];
  assert.ok(await readEach(database, numbers, signal, (row) => some.push(row) < 50));
  assert.equal(some.length, 50);
  assert.equal((await readRows(database, numbers, signal)).length, 100);
});

test("statements that run beside one that loses its connection are let finish", async () => {
  const database = open(2);
  await admin`SELECT pg_advisory_lock(7)`;
  // Its own lock_timeout keeps it from being cancelled by statement_timeout.
  const beside = database.run((sql) => sql.unsafe("SET statement_timeout = 0; SELECT pg_advisory_lock(7)").execute());
  const lost = database.run((sql) => sql.unsafe("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(9)"));
  await assert.rejects(lost, isTransient);
  assert.deepEqual(await one(database), [{ one: 1 }]);
  await admin`SELECT pg_advisory_unlock(7)`;
  await beside;
});

test("an error of the statement keeps the connection", async () => {
  const database = open(1);
  const pid = () => database.run((sql) => sql.unsafe("SELECT pg_backend_pid() AS pid"));
  const [before] = await pid();
  await assert.rejects(
    database.run((sql) => sql.unsafe("SELECT 1 / 0")),
    (error) => classifyError(error) === "permanent",
  );
  const [afterwards] = await pid();
  assert.equal(afterwards?.["pid"], before?.["pid"]);
});

// Each of these waits for five seconds, so they wait together.
describe("a server that says nothing more", { concurrency: true }, () => {
  test("after taking a statement is given up soon after the statement should have ended", async () => {
    const proxy = await openProxy();
    const database = open(1, proxy.port);
    await one(database);
    proxy.judge = () => "swallow";
    const begun = performance.now();
    await assert.rejects(one(database), isTransient);
    assert.ok(performance.now() - begun < 6000);
    proxy.judge = () => "pass";
    assert.deepEqual(await one(database), [{ one: 1 }], "the next statement opens another connection");
  });

  test("while the connection is opened is given up too", async () => {
    const proxy = await openProxy();
    proxy.onConnect = "swallow";
    const database = open(1, proxy.port);
    const begun = performance.now();
    await assert.rejects(one(database), isTransient);
    assert.ok(performance.now() - begun < 6000);
    proxy.onConnect = "pass";
    assert.deepEqual(await one(database), [{ one: 1 }]);
  });
});
