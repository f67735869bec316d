// serve and migrate: what an operator sees when they start, end, or cannot start.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { createEmptyDatabase, type TestDatabase } from "../support/database.ts";
import { startService } from "../support/service.ts";
import { datastorage, type Folder, start, temporaryFolder } from "./datastorage.ts";

let folder: Folder;
let database: TestDatabase;
before(async () => {
  folder = temporaryFolder();
  database = await createEmptyDatabase("migrated");
});
after(async () => {
  folder?.remove();
  await database?.drop();
});

test("serve: every fault of the configuration at once, and nothing is started", async () => {
  const config = folder.write("bad.env", ["DATASTORAGE_APPEND_LINGER=5", "DATASTORAGE_ADRESS=x"]);
  const env = { DATASTORAGE_LOG_LEVEL: "loud" };
  const { code, stdout, stderr } = await datastorage(["serve", "--config", config], { env });
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^datastorage: The configuration has 3 faults:\n/);
  for (const name of ["DATASTORAGE_APPEND_LINGER", "DATASTORAGE_ADRESS", "DATASTORAGE_LOG_LEVEL"]) {
    assert.ok(stderr.includes(name), stderr);
  }
});

test("serve: flags that are none, and a folder that is not ours to empty", async () => {
  assert.match((await datastorage(["serve", "--port", "80"])).stderr, /--port is no flag of datastorage serve/);
  const env = { DATABASE_URL: database.url, DATASTORAGE_METRICS_ADDRESS: "off" };
  const { code, stderr } = await datastorage(["serve", "--fresh"], { env });
  assert.equal(code, 1);
  assert.match(stderr, /^datastorage: the service cannot start: --fresh /);
});

test("migrate: what was applied, once; then the service finds nothing to do", async () => {
  const env = { DATABASE_URL: database.url };
  const first = await datastorage(["migrate"], { env });
  assert.equal(first.code, 0);
  assert.match(first.stdout, /^applied 0001_audit_events\.sql\n(applied .*\n)*the schema is at version \d+\n$/);
  const second = await datastorage(["migrate", "--json"], { env });
  assert.deepEqual(JSON.parse(second.stdout).applied, []);
  const service = await startService(env);
  assert.equal(await service.stop(), 0);
});

test("migrate: a database that is away, or not named", async () => {
  const away = await datastorage(["migrate"], { env: { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" } });
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^datastorage: the database cannot be used now: .*ECONNREFUSED/);
  assert.equal((await datastorage(["migrate"])).code, 2);
});

test("serve: asked to end while it waits for its database, it does", async () => {
  const config = folder.write("away.env", [
    "DATABASE_URL=postgres://nobody@127.0.0.1:1/none",
    "DATASTORAGE_ADDRESS=127.0.0.1:0",
    "DATASTORAGE_METRICS_ADDRESS=off",
  ]);
  const service = start(["serve", "--config", config]);
  const log = createInterface(service.stderr);
  await once(log, "line");
  service.kill("SIGTERM");
  assert.equal((await service.ended).code, 0);
});
