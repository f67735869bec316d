import type { Sql } from "../../src/postgres/pool.ts";

/** As the sequencer of the service takes it. */
const LOCK = "hashtextextended('kubernaut datastorage log', 0)";

/**
 * Keeps the service from giving events an index, as another process that has the log would, until what is returned is called:
 * takes the lock on `sql`, which has one connection, when the session that holds it was ended.
 */
export async function holdLog(sql: Sql): Promise<() => Promise<void>> {
  for (let held = false; !held; ) {
    await sql.unsafe(`
      SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
      WHERE application_name = 'datastorage sequencer' AND datname = current_database()`);
    const [row] = await sql.unsafe<{ held: boolean }[]>(`SELECT pg_try_advisory_lock(${LOCK}) AS held`);
    held = row?.held === true;
  }
  return async () => {
    const [row] = await sql.unsafe<{ unlocked: boolean }[]>(`SELECT pg_advisory_unlock(${LOCK}) AS unlocked`);
    if (row?.unlocked !== true) throw new Error("the connection that kept the log was lost meanwhile");
  };
}
