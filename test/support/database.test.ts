import assert from "node:assert/strict";
import { test } from "node:test";
import postgres from "postgres";
import { createDatabase } from "./database.ts";

test("each test gets a database of its own", async () => {
  const [one, two] = await Promise.all([createDatabase("one"), createDatabase("two")]);
  const sql = postgres(one.url, { max: 1 });
  await sql`create table mine (n int)`;
  await sql.end();
  const other = postgres(two.url, { max: 1 });
  const [row] = await other`select to_regclass('mine') as found`;
  await other.end();
  assert.equal(row?.["found"], null);
  await Promise.all([one.drop(), two.drop()]);
});

test("a connection that a test leaves open fails its drop", async () => {
  const database = await createDatabase("leak");
  const sql = postgres(database.url, { max: 1, connection: { application_name: "forgotten" } });
  await sql`select 1`;
  await assert.rejects(database.drop(), /left connections open:\nforgotten/);
  await sql.end({ timeout: 0 });
});
