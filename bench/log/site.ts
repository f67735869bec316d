import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { newPrivateKey } from "../../src/integrity/note/keys.ts";
import type { Sql } from "../../src/postgres/pool.ts";
import type { BenchDatabase } from "../database.ts";
import { type ServiceProcess, startServiceWith } from "../processes.ts";

/** How far the log has come. Numbers of events. */
export interface LogState {
  readonly pending: number;
  readonly size: number;
  readonly published: number;
  /** Age of the oldest event without an index, in seconds. */
  readonly oldestS: number;
}

/** A service that indexes and signs, on a database of its own in the bench's server. */
export interface LogSite {
  readonly service: ServiceProcess;
  readonly sql: Sql;
  state(): Promise<LogState>;
  /** Resolves with the seconds that it took until all that is recorded was indexed and, where it is signed, published. */
  covered(): Promise<number>;
  /** As BenchDatabase.settle, here. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const LOOK_MS = 20;
const COVERED_MS = 300_000;

/** `signed`: with a key. */
export async function openLogSite(
  database: BenchDatabase,
  name: string,
  { signed, profile }: { readonly signed: boolean; readonly profile: string | undefined },
): Promise<LogSite> {
  const { url, sql, close } = await database.another(name);
  const dataDir = await mkdtemp(join(tmpdir(), "datastorage-bench-log-"));
  const key = signed ? { DATASTORAGE_LOG_KEY: newPrivateKey() } : {};
  const env = {
    DATASTORAGE_LOG_LEVEL: "error",
    ...process.env,
    ...key,
    DATABASE_URL: url,
    DATASTORAGE_DATA_DIR: dataDir,
  };
  const service = await startServiceWith(env, profile);
  const state = async (): Promise<LogState> => {
    const [row] = await sql.unsafe<Record<string, string>[]>(STATE, [], { prepare: true });
    const of = (column: string) => Number(row?.[column]);
    return { pending: of("pending"), size: of("size"), published: of("published"), oldestS: of("oldest") };
  };
  return {
    service,
    sql,
    state,
    async covered() {
      for (const begun = performance.now(); performance.now() - begun < COVERED_MS; await wait(LOOK_MS)) {
        const { pending, size, published } = await state();
        if (pending === 0 && (!signed || published === size)) return (performance.now() - begun) / 1000;
      }
      throw new Error(`the log did not come to its end within ${COVERED_MS / 1000} s`);
    },
    async settle() {
      await sql.unsafe(MERGE);
      for (const table of TABLES) await sql.unsafe(`VACUUM (ANALYZE) ${table}`);
      await database.settle();
    },
    async close() {
      await service.stop();
      await close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Those that have as many dead rows as live ones after a while; autovacuum is off. */
const TABLES = ["audit_log_pending", "audit_log_state", "audit_log_tiles", "audit_log_entries", "audit_chain_heads"];

const STATE = `
  SELECT size, published_size AS published, (SELECT coalesce(sum(event_count), 0) FROM audit_log_pending) AS pending,
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(recorded_time)), 0) FROM audit_log_pending) AS oldest
  FROM audit_log_state`;

const MERGE = `
  SELECT gin_clean_pending_list(pg_index.indexrelid)
  FROM pg_index JOIN pg_class ON pg_class.oid = pg_index.indexrelid JOIN pg_am ON pg_am.oid = pg_class.relam
  WHERE pg_am.amname = 'gin' AND pg_class.relkind = 'i'`;
