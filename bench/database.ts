import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeDataFolder } from "../src/embedded/data_folder.ts";
import { startPostgres } from "../src/embedded/postgres.ts";
import { openPool, type Sql } from "../src/postgres/pool.ts";
import { childrenOf, parentOf } from "./cpu.ts";

/** A PostgreSQL of the run's own with the settings of `npm start` (fsync and synchronous_commit on). */
export interface BenchDatabase {
  /** Connects as the service does. */
  readonly url: string;
  /** One connection as the service's user. */
  readonly sql: Sql;
  /** Process of the server; undefined where there is no /proc. */
  readonly pid: number | undefined;
  readonly version: string;
  /** Puts the database into the same state before each measurement: indexes merged, everything on disk, statistics fresh. */
  settle(): Promise<void>;
  /** Makes another database in the same server. */
  another(name: string): Promise<{ readonly url: string; readonly sql: Sql; close(): Promise<void> }>;
  /** Stops all of its processes in their tracks: connections stay open and are not answered. Not where there is no /proc. */
  stall(): void;
  /** Lets them go on. */
  free(): void;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

export async function startDatabase(): Promise<BenchDatabase> {
  const path = await mkdtemp(join(tmpdir(), "datastorage-bench-"));
  const folder = takeDataFolder(path);
  const log = { info() {}, warn: (_facts: object, message: string) => process.stderr.write(`${message}\n`) };
  const server = await startPostgres({ dataDir: path, log, port: 0 });
  const sql = connect(server.url);
  const admin = connect(server.adminUrl.replace(/\/postgres$/, "/datastorage"));
  // It would run in one side's time and not in the other's.
  await admin.unsafe("ALTER SYSTEM SET autovacuum = off");
  await admin.unsafe("SELECT pg_reload_conf()");
  const [facts] = await admin.unsafe<{ pid: number; version: string }[]>(
    "SELECT pg_backend_pid() AS pid, current_setting('server_version') AS version",
  );
  const pid = parentOf(facts?.pid ?? 0);
  const signal = (name: NodeJS.Signals) => {
    // The postmaster first, so that it starts no other meanwhile.
    if (pid !== undefined) process.kill(pid, name);
    for (const child of pid === undefined ? [] : childrenOf(pid)) {
      try {
        process.kill(child, name);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  return {
    url: server.url,
    sql,
    pid,
    version: facts?.version ?? "",
    async settle() {
      await admin.unsafe(MERGE_PENDING_ENTRIES);
      await admin.unsafe("ANALYZE audit_events");
      await admin.unsafe("CHECKPOINT");
    },
    async another(name) {
      await admin.unsafe(`CREATE DATABASE ${name} OWNER datastorage`);
      const url = server.url.replace(/\/datastorage$/, `/${name}`);
      const other = connect(url);
      return { url, sql: other, close: () => other.end({ timeout: 1 }) };
    },
    stall: () => signal("SIGSTOP"),
    free: () => signal("SIGCONT"),
    async stop() {
      // What is stopped cannot end.
      signal("SIGCONT");
      await Promise.all([sql.end({ timeout: 1 }), admin.end({ timeout: 1 })]);
      await server.stop();
      folder.release();
      await rm(path, { recursive: true, force: true });
    },
  };
}

const MERGE_PENDING_ENTRIES = `
  SELECT gin_clean_pending_list(pg_index.indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid JOIN pg_am ON pg_am.oid = pg_class.relam
  WHERE pg_am.amname = 'gin' AND pg_class.relkind = 'i'`;

function connect(url: string): Sql {
  return openPool({ url, connections: 1, applicationName: "bench", statementTimeoutMs: 0 });
}
