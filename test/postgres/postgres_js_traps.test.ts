// Why a write path here is one statement, never COPY and never sql.begin, and why what reads takes rows by forEach: ways in which
// postgres.js 3.4 answers for something else than what happened. When one of these tests fails, the driver has been mended and the rule may be looked at.
import assert from "node:assert/strict";
import { finished } from "node:stream/promises";
import { after, test } from "node:test";
import postgres from "postgres";
import { createEmptyDatabase } from "../support/database.ts";

const database = await createEmptyDatabase("traps");
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
await admin.unsafe("CREATE TABLE kept (n integer PRIMARY KEY); ALTER TABLE kept OWNER TO datastorage");
after(async () => {
  await admin.end();
  await database.drop();
});

function open() {
  return postgres(database.url, { max: 1, onnotice: () => {}, connection: { application_name: "trap" } });
}

async function kept(): Promise<number[]> {
  const rows = await admin<{ n: number }[]>`SELECT n FROM kept ORDER BY n`;
  return rows.map(({ n }) => n);
}

test("a COPY that the server refuses after CopyDone is reported as a success (porsager/postgres#1173)", async () => {
  await using sql = ending(open());
  const copy = await sql.unsafe("COPY kept FROM STDIN").writable();
  const written = finished(copy);
  // The second row repeats the key of the first: the server refuses the whole COPY.
  copy.end("1\n1\n");
  // Nothing at all is reported until another statement on the connection is done, and then it is not a failure.
  await sql.unsafe("SELECT 1");
  await written;
  assert.deepEqual(await kept(), [], "the COPY stored nothing");
});

test("sql.begin runs later statements outside its transaction when its connection dies in between (#1155, #1215)", async () => {
  await using sql = ending(open());
  const reached = Promise.withResolvers<void>();
  const continued = Promise.withResolvers<void>();
  const ran = Promise.withResolvers<void>();
  const transaction = sql.begin(async (inside) => {
    await inside.unsafe("INSERT INTO kept VALUES (10)");
    reached.resolve();
    await continued.promise;
    await inside.unsafe("INSERT INTO kept VALUES (11)").then(() => ran.resolve(), ran.reject);
    throw new Error("the transaction is rolled back");
  });
  const outcome = transaction.then(
    () => "committed",
    () => "failed",
  );
  await reached.promise;
  await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trap'`;
  assert.equal(await outcome, "failed", "the caller is told that nothing was stored");
  // Another caller's statement opens the connection again; what is left of the transaction then runs there.
  await sql.unsafe("SELECT 1");
  continued.resolve();
  await ran.promise;
  assert.deepEqual(await kept(), [11], "half of the transaction is stored, for good");
});

function ending<T extends { end(options: { timeout: number }): Promise<void> }>(sql: T): T & AsyncDisposable {
  return Object.assign(sql, { [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) });
}

test("after a statement that fails among its rows, the next one of the connection begins with holes; not so with forEach", async () => {
  await using sql = ending(open());
  const failing = "SELECT 1 / (3 - n) AS n FROM generate_series(1, 5) AS n";
  await assert.rejects(sql.unsafe(failing), /division by zero/);
  const next = await sql.unsafe("SELECT 7 AS n");
  assert.deepEqual([next.length, next[0], next.at(-1)?.["n"]], [3, undefined, 7]);
  await assert.rejects(
    sql.unsafe(failing).forEach(() => {}),
    /division by zero/,
  );
  const [after] = await sql.unsafe("SELECT 7 AS n");
  assert.equal(after?.["n"], 7);
});
