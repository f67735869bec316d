import { setTimeout as wait } from "node:timers/promises";
import type postgres from "postgres";
import type { Stage } from "../stage/stage.ts";
import type { Fault } from "./fault.ts";

/** What happens to partitions. */
export const monthFaults: readonly Fault[] = [
  {
    name: "events of a month that has no partition yet",
    kind: "month_change",
    target: "everything",
    async run({ stage, random, ms }) {
      // Far enough back that no partition is there, and within what is kept.
      const month = -random.integer(6, 80);
      stage.tellClients({ month, months: 2 });
      await wait(ms);
      stage.tellClients({ month: 0, months: 1 });
      return { did: `${-month} months back, for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "a partition is missing, and the default one takes its events",
    kind: "partition_missing",
    target: "everything",
    async run({ stage, random, ms }) {
      const month = await dropEmptyMonth(stage, random.integer(4, 11));
      if (month === undefined) return { missed: "no empty month was left" };
      stage.tellClients({ month: month.ahead, months: 0 });
      await wait(ms);
      stage.tellClients({ month: 0, months: 1 });
      await wait(500);
      await makeMonth(stage, month.name);
      return { did: `${month.name}, for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "a partition is missing, and there is no default one",
    kind: "partition_refused",
    target: "everything",
    async run({ stage, random, ms }) {
      const month = await dropEmptyMonth(stage, random.integer(4, 11));
      if (month === undefined) return { missed: "no empty month was left" };
      try {
        await patiently(stage, (sql) => sql.unsafe("ALTER TABLE audit_events DETACH PARTITION audit_events_default"));
        stage.tellClients({ month: month.ahead, months: 0 });
        await wait(ms);
      } finally {
        stage.tellClients({ month: 0, months: 1 });
        await attachDefault(stage);
        await makeMonth(stage, month.name);
      }
      return { did: `${month.name}, for ${Math.round(ms)} ms` };
    },
  },
];

interface Month {
  /** Months from now. */
  readonly ahead: number;
  /** As the name of its partition has it, YYYY_MM. */
  readonly name: string;
}

/** Drops the partition of the first month from `ahead` on that holds nothing. */
async function dropEmptyMonth(stage: Stage, from: number): Promise<Month | undefined> {
  for (let ahead = from; ahead <= 12; ahead++) {
    const now = new Date();
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
    const name = first.toISOString().slice(0, 7).replace("-", "_");
    const dropped = await patiently(stage, async (sql) => {
      const [found] = await sql.unsafe(`SELECT to_regclass('audit_events_${name}') AS is_there`);
      if (found?.["is_there"] === null) return false;
      const [row] = await sql.unsafe(`SELECT 1 FROM audit_events_${name} LIMIT 1`);
      if (row !== undefined) return false;
      await sql.unsafe(`DROP TABLE audit_events_${name}`);
      return true;
    });
    if (dropped) return { ahead, name };
  }
  return undefined;
}

async function makeMonth(stage: Stage, name: string): Promise<void> {
  await patiently(stage, (sql) => sql.unsafe(`SELECT create_audit_events_month('${name.replace("_", "-")}-01'::date)`));
}

async function attachDefault(stage: Stage): Promise<void> {
  await patiently(stage, async (sql) => {
    const [default_] = await sql`SELECT relispartition FROM pg_class WHERE relname = 'audit_events_default'`;
    if (default_?.["relispartition"]) return;
    await sql.unsafe("ALTER TABLE audit_events ATTACH PARTITION audit_events_default DEFAULT");
  });
}

/** Does something that needs a lock beside appends, again and again until it had its turn; also over a restart. */
async function patiently<T>(stage: Stage, work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      await stage.postgres.server.up();
      return (await stage.postgres.admin((sql) =>
        sql.begin(async (transaction) => {
          await transaction.unsafe("SET LOCAL lock_timeout = '1s'");
          // Events that vanish between the look and the drop would be ours to answer for.
          await transaction.unsafe("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE");
          return work(transaction);
        }),
      )) as T;
    } catch (error) {
      if (tries === 30) throw error;
      await wait(100);
    }
  }
}
