import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { Fault } from "../fault.ts";
import { sqlState } from "./errors.ts";
import { openPool, type Sql } from "./pool.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
}

export interface MigrationReport {
  /** Names of the migrations that this call applied, in order. */
  readonly applied: readonly string[];
  /** Version of the schema now. */
  readonly version: number;
}

const MIGRATIONS = new URL("../../migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** The numbered SQL files of migrations/, in order. */
export async function readMigrations(folder: URL = MIGRATIONS): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), "utf8");
      const checksum = createHash("sha256").update(sql).digest("hex");
      return { version: Number(name.slice(0, 4)), name, sql, checksum };
    }),
  );
}

/**
 * Brings the schema up to date. Any number of processes may call this at once: each migration is one transaction that
 * first writes its own row, under an advisory lock.
 *
 * @throws Fault `precondition` when the database has a migration that this version does not know, or knows with other content.
 */
export async function migrate(url: string, migrations?: readonly Migration[]): Promise<MigrationReport> {
  const sql = openPool({ url, connections: 1, applicationName: "datastorage migrate", statementTimeoutMs: 0 });
  try {
    return await applyAll(sql, migrations ?? (await readMigrations()));
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function applyAll(sql: Sql, migrations: readonly Migration[]): Promise<MigrationReport> {
  await inOneMessage(sql, `${LOCK}; ${CREATE_TABLE}`);
  const done = await readApplied(sql);
  refuseUnknown(done, migrations);
  const applied: string[] = [];
  for (const migration of migrations) {
    if (!done.has(migration.version) && (await apply(sql, migration))) applied.push(migration.name);
  }
  // Another process may have applied a newer one meanwhile.
  refuseUnknown(await readApplied(sql), migrations);
  return { applied, version: migrations.at(-1)?.version ?? 0 };
}

const LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kubernaut datastorage migrations', 0))";

/** Applies one migration. False: another process was first. */
async function apply(sql: Sql, migration: Migration): Promise<boolean> {
  const row = `INSERT INTO schema_migrations (version, name, checksum)
    VALUES (${migration.version}, '${migration.name}', '${migration.checksum}')`;
  try {
    await inOneMessage(sql, `${LOCK}; ${row}; ${migration.sql}`);
    return true;
  } catch (error) {
    if (sqlState(error) === "23505" && (error as { table_name?: string }).table_name === "schema_migrations")
      return false;
    throw error;
  }
}

/**
 * Runs statements in one message of the simple query protocol, which the server runs as one transaction. (With BEGIN and
 * COMMIT as messages of their own, a connection that dies in between could let later statements run outside of it.)
 */
async function inOneMessage(sql: Sql, statements: string): Promise<void> {
  await sql.unsafe(statements).simple();
}

async function readApplied(sql: Sql): Promise<Map<number, { name: string; checksum: string }>> {
  const rows = await sql.unsafe<{ version: number; name: string; checksum: string }[]>(
    "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
  );
  return new Map(rows.map((row) => [row.version, row]));
}

function refuseUnknown(
  done: ReadonlyMap<number, { name: string; checksum: string }>,
  migrations: readonly Migration[],
): void {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const [version, row] of done) {
    const migration = known.get(version);
    if (migration === undefined) {
      throw new Fault(
        "precondition",
        `the database has the migration ${row.name}, which this version does not know: run a newer version`,
        {
          reason: "SCHEMA_TOO_NEW",
        },
      );
    }
    if (migration.checksum !== row.checksum) {
      throw new Fault("precondition", `the migration ${row.name} was applied with other content than this version's`, {
        reason: "SCHEMA_DIFFERS",
      });
    }
  }
}
