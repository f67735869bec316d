import { readMigrations } from "../postgres/migrate.ts";
import type { CheckContext } from "./check.ts";

/** Compares the migrations that are applied with those of this version. Gives how many this version has. */
export async function checkSchema({ snapshot, report }: CheckContext<"schema">): Promise<number> {
  const migrations = await readMigrations();
  const applied = new Map<number, { name: string; checksum: string }>();
  if (await hasTable(snapshot, "schema_migrations")) {
    const rows = await snapshot.all<{ version: number; name: string; checksum: string }>(
      "SELECT version, name, checksum FROM schema_migrations ORDER BY version",
    );
    for (const row of rows) applied.set(row.version, row);
  }
  for (const { version, name, checksum } of migrations) {
    const row = applied.get(version);
    applied.delete(version);
    if (row === undefined) await report.fault("missing_migration", { name });
    else if (row.checksum !== checksum) {
      await report.fault("changed_migration", { name, expected: checksum, found: row.checksum });
    }
  }
  if (!(await hasTable(snapshot, "audit_events"))) await report.fault("no_schema", {});
  for (const { name } of applied.values()) await report.fault("unknown_migration", { name });
  return migrations.length;
}

/** Whether there is a table of this name. */
export async function hasTable(snapshot: CheckContext<"schema">["snapshot"], name: string): Promise<boolean> {
  const [row] = await snapshot.all<{ found: boolean }>("SELECT to_regclass($1::text) IS NOT NULL AS found", [name]);
  return row?.found === true;
}
