import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openPool, type Sql } from "../../src/postgres/pool.ts";
import { dumpSchema, SCHEMA_HEADER } from "../../src/postgres/schema_dump.ts";
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../support/database.ts";

const committed = readFileSync(new URL("../../migrations/schema.sql", import.meta.url), "utf8");

async function on<T>(database: TestDatabase, run: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = openPool({ url: database.url, connections: 1, applicationName: "dump", statementTimeoutMs: 0 });
  try {
    return await run(sql);
  } finally {
    await sql.end();
  }
}

test("migrations/schema.sql is what the migrations add up to (else: npm run schema)", async () => {
  const database = await createDatabase("dump");
  assert.equal(SCHEMA_HEADER + (await on(database, dumpSchema)), committed);
  await database.drop();
});

test("the dump makes the same objects in an empty database", async () => {
  const database = await createEmptyDatabase("dumped");
  const again = await on(database, async (sql) => {
    await sql.unsafe(committed).simple();
    return dumpSchema(sql);
  });
  // PostgreSQL writes some expressions another way once it has read its own text, so they are compared by their beginnings.
  const beginnings = (dump: string) => dump.split(";\n").map((statement) => statement.trimStart().slice(0, 75));
  assert.deepEqual(beginnings(SCHEMA_HEADER + again), beginnings(committed));
  await database.drop();
});

test("everything that a migration may change shows in the dump", async () => {
  const changes = {
    "ALTER TABLE audit_event_ids ADD COLUMN extra text COLLATE \"C\" DEFAULT 'x'":
      /extra text COLLATE "C" DEFAULT 'x'::text/,
    "ALTER TABLE audit_event_ids ALTER COLUMN submission_digest SET NOT NULL": /submission_digest bytea NOT NULL/,
    "ALTER TABLE audit_event_ids ADD CONSTRAINT dated CHECK (event_date > '2000-01-01')": /dated CHECK/,
    "CREATE INDEX dates ON audit_event_ids (event_date) WHERE salt IS NULL":
      /CREATE INDEX dates .* WHERE \(salt IS NULL\)/,
    "COMMENT ON INDEX idx_audit_events_chain IS 'said'": /COMMENT ON INDEX idx_audit_events_chain IS 'said'/,
    "CREATE TABLE march PARTITION OF audit_events FOR VALUES FROM ('2031-03-01') TO ('2031-04-01')":
      /march PARTITION OF audit_events FOR VALUES FROM \('2031-03-01'\)/,
    "ALTER TABLE audit_event_ids SET (fillfactor = 90)": /WITH \(fillfactor=90\)/,
  };
  const database = await createDatabase("dump");
  await on(database, async (sql) => {
    for (const [change, shown] of Object.entries(changes)) {
      const before = await dumpSchema(sql);
      await sql.unsafe(change);
      const changed = await dumpSchema(sql);
      assert.doesNotMatch(before, shown);
      assert.match(changed, shown);
    }
    await sql.unsafe("CREATE VIEW seen AS SELECT 1 AS one");
    await assert.rejects(dumpSchema(sql), /cannot write down: seen \(relation of kind v\)/);
  });
  await database.drop();
});

test("the schema deploys without rows, but for the state of the empty log", async () => {
  const database = await createDatabase("rows");
  const filled = await on(database, async (sql) => {
    const tables = await sql.unsafe<{ name: string }[]>(
      "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
    );
    const names: string[] = [];
    for (const { name } of tables) {
      const rows = await sql.unsafe(`SELECT FROM ${name} LIMIT 1`);
      if (rows.length > 0) names.push(name);
    }
    return names;
  });
  assert.deepEqual(filled.sort(), ["audit_log_state", "schema_migrations"]);
  await database.drop();
});
