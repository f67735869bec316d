// npm run schema: writes migrations/schema.sql, the schema that the migrations add up to. A test checks that it is current.
import { writeFile } from "node:fs/promises";
import { migrate } from "../src/postgres/migrate.ts";
import { openPool } from "../src/postgres/pool.ts";
import { dumpSchema, SCHEMA_HEADER } from "../src/postgres/schema_dump.ts";
import { startDisposablePostgres } from "../test/support/server.ts";

const server = await startDisposablePostgres();
try {
  await migrate(server.url);
  const sql = openPool({ url: server.url, connections: 1, applicationName: "schema", statementTimeoutMs: 0 });
  await writeFile(new URL("../migrations/schema.sql", import.meta.url), SCHEMA_HEADER + (await dumpSchema(sql)));
  await sql.end();
} finally {
  await server.stop();
}
