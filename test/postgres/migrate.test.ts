import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { Fault } from "../../src/fault.ts";
import { type Migration, type MigrationReport, migrate, readMigrations } from "../../src/postgres/migrate.ts";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { dumpSchema, SCHEMA_HEADER } from "../../src/postgres/schema_dump.ts";
import { createEmptyDatabase } from "../support/database.ts";

const run = promisify(execFile);
const committed = readFileSync(new URL("../../migrations/schema.sql", import.meta.url), "utf8");
const entry = `import { migrate } from ${JSON.stringify(new URL("../../src/postgres/migrate.ts", import.meta.url).href)};
console.log(JSON.stringify(await migrate(process.argv[1])));`;

async function emptyDatabase(context: TestContext): Promise<{ url: string; sql: Sql }> {
  const database = await createEmptyDatabase("migrate");
  const sql = openPool({ url: database.url, connections: 1, applicationName: "check", statementTimeoutMs: 0 });
  context.after(async () => {
    await sql.end();
    await database.drop();
  });
  return { url: database.url, sql };
}

/** A migration as a file would give it. */
function migration(version: number, sql: string): Migration {
  const name = `${String(version).padStart(4, "0")}_made_up.sql`;
  return { version, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
}

function fault(reason: string) {
  return (error: unknown) => error instanceof Fault && error.kind === "precondition" && error.details.reason === reason;
}

for (const processes of [2, 8]) {
  test(`${processes} processes that migrate at once make one schema`, async (context) => {
    const { url, sql } = await emptyDatabase(context);
    const reports = await Promise.all(
      Array.from({ length: processes }, async () => {
        const { stdout } = await run(process.execPath, ["--input-type=module-typescript", "-e", entry, url]);
        return JSON.parse(stdout) as MigrationReport;
      }),
    );
    const files = (await readMigrations()).map(({ name }) => name);
    assert.deepEqual(reports.flatMap(({ applied }) => applied).sort(), files, "each migration was applied once");
    for (const { version } of reports) assert.equal(version, files.length);
    assert.equal(SCHEMA_HEADER + (await dumpSchema(sql)), committed);
  });
}

test("callers that migrate at the very same moment do not trip over each other", async (context) => {
  const one = migration(1, "CREATE TABLE one ()");
  for (let round = 0; round < 5; round++) {
    const { url } = await emptyDatabase(context);
    const reports = await Promise.all(Array.from({ length: 8 }, () => migrate(url, [one])));
    assert.deepEqual(
      reports.flatMap(({ applied }) => applied),
      [one.name],
    );
  }
});

test("a schema that is up to date is left alone", async (context) => {
  const { url } = await emptyDatabase(context);
  const first = await migrate(url);
  assert.deepEqual(await migrate(url), { applied: [], version: first.version });
});

test("only what is missing is applied", async (context) => {
  const { url } = await emptyDatabase(context);
  const one = migration(1, "CREATE TABLE one ()");
  const two = migration(2, "CREATE TABLE two ()");
  await migrate(url, [one]);
  assert.deepEqual(await migrate(url, [one, two]), { applied: [two.name], version: 2 });
});

test("a schema newer than the program is refused and left alone", async (context) => {
  const { url, sql } = await emptyDatabase(context);
  const one = migration(1, "CREATE TABLE one ()");
  const three = migration(3, "CREATE TABLE three ()");
  await migrate(url, [one, three]);
  await assert.rejects(migrate(url, [one, migration(2, "CREATE TABLE two ()")]), fault("SCHEMA_TOO_NEW"));
  const [row] = await sql.unsafe("SELECT to_regclass('two') AS two");
  assert.equal(row?.["two"], null);
});

test("a migration whose file was changed after it was applied is refused", async (context) => {
  const { url } = await emptyDatabase(context);
  await migrate(url, [migration(1, "CREATE TABLE one ()")]);
  await assert.rejects(migrate(url, [migration(1, "CREATE TABLE one (n integer)")]), fault("SCHEMA_DIFFERS"));
});

test("a migration that fails leaves nothing of itself, and what was before it stays", async (context) => {
  const { url, sql } = await emptyDatabase(context);
  const one = migration(1, "CREATE TABLE one ()");
  const bad = migration(2, "CREATE TABLE two (); INSERT INTO one DEFAULT VALUES; SELECT 1 / 0; CREATE TABLE three ()");
  await assert.rejects(migrate(url, [one, bad]), /division by zero/);
  const left = await sql.unsafe(
    "SELECT to_regclass('one') AS one, to_regclass('two') AS two, to_regclass('three') AS three, (SELECT max(version) FROM schema_migrations) AS version",
  );
  assert.deepEqual({ ...left[0] }, { one: "one", two: null, three: null, version: 1 });
  assert.equal((await sql.unsafe("SELECT FROM one")).length, 0);
  const mended = migration(2, "CREATE TABLE two ()");
  assert.deepEqual((await migrate(url, [one, mended])).applied, [mended.name]);
});
