import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import { adminUrl } from "./server.ts";

/** A database of a test's own. */
export interface TestDatabase {
  /** Connects as its owner `datastorage`, who is no superuser. */
  readonly url: string;
  /** Connects to it as the superuser. */
  readonly adminUrl: string;
  /** Removes it. Rejects when connections to it are still open, naming them: a test that leaks a connection fails. */
  drop(): Promise<void>;
}

const template = "datastorage_template";
// Any number will do, as long as every test process takes the same one.
const creationLock = 7_308_330;
const migrateModule = new URL("../../src/postgres/migrate.ts", import.meta.url);

/** Makes a database with our schema by copying a template that the first call of a test run migrates. */
export async function createDatabase(name = "test"): Promise<TestDatabase> {
  const database = `${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "_")
    .slice(0, 40)}_${randomBytes(6).toString("hex")}`;
  await withAdmin(async (sql) => {
    await sql`select pg_advisory_lock(${creationLock})`;
    await ensureTemplate(sql);
    await sql.unsafe(`create database ${database} template ${template} owner datastorage`);
  });
  return {
    url: await urlOf(database, "datastorage"),
    adminUrl: await urlOf(database, "postgres"),
    drop: () => withAdmin((sql) => dropDatabase(sql, database)),
  };
}

/** Makes an empty database, for tests of the migrations themselves. */
export async function createEmptyDatabase(name = "empty"): Promise<TestDatabase> {
  const database = `${name}_${randomBytes(6).toString("hex")}`;
  await withAdmin((sql) => sql.unsafe(`create database ${database} owner datastorage`));
  return {
    url: await urlOf(database, "datastorage"),
    adminUrl: await urlOf(database, "postgres"),
    drop: () => withAdmin((sql) => dropDatabase(sql, database)),
  };
}

async function ensureTemplate(sql: postgres.Sql): Promise<void> {
  const [ready] = await sql`select 1 from pg_database where datname = ${template} and datistemplate`;
  if (ready) return;
  await sql.unsafe(`drop database if exists ${template} with (force)`); // a build that was cut short
  await sql.unsafe(`create database ${template} owner datastorage`);
  if (existsSync(migrateModule)) {
    const { migrate } = (await import(migrateModule.href)) as { migrate(url: string): Promise<unknown> };
    await migrate(await urlOf(template, "datastorage"));
  }
  await untilUnused(sql, template);
  await sql.unsafe(`alter database ${template} with is_template true allow_connections false`);
}

async function dropDatabase(sql: postgres.Sql, database: string): Promise<void> {
  const leaked = await untilUnused(sql, database);
  await sql.unsafe(`drop database if exists ${database} with (force)`);
  if (leaked.length > 0) throw new Error(`the test left connections open:\n${leaked.join("\n")}`);
}

/** Describes the connections that are still open after a second: a closed one takes a moment to go. */
async function untilUnused(sql: postgres.Sql, database: string): Promise<readonly string[]> {
  for (const until = Date.now() + 1000; ; await wait(5)) {
    const open = await sql<{ pid: number; application_name: string; state: string | null; query: string }[]>`
      select pid, application_name, state, left(query, 200) as query
      from pg_stat_activity where datname = ${database} and backend_type = 'client backend'`;
    if (open.length === 0) return [];
    if (Date.now() > until) return open.map((row) => `${row.application_name} (${row.state}): ${row.query}`);
  }
}

async function withAdmin<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(await adminUrl(), {
    max: 1,
    onnotice: () => {},
    connection: { application_name: "test harness" },
  });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function urlOf(database: string, user: string): Promise<string> {
  const url = new URL(await adminUrl());
  url.username = user;
  url.pathname = `/${database}`;
  return url.href;
}
