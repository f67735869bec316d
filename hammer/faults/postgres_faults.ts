import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import { childrenOf, signalAll } from "../stage/processes.ts";
import type { Stage } from "../stage/stage.ts";
import type { Fault, FaultRun } from "./fault.ts";

/** What happens to PostgreSQL itself. */
export const postgresFaults: readonly Fault[] = [
  {
    name: "kill -9 of PostgreSQL",
    kind: "postgres_kill",
    target: "postgres",
    run: (run) => down(run, "SIGKILL"),
  },
  {
    name: "fast restart of PostgreSQL",
    kind: "postgres_fast_restart",
    target: "postgres",
    run: (run) => down(run, "SIGINT"),
  },
  {
    name: "immediate restart of PostgreSQL",
    kind: "postgres_immediate_restart",
    target: "postgres",
    run: (run) => down(run, "SIGQUIT"),
  },
  {
    name: "kill -9 of one backend: PostgreSQL restarts itself",
    kind: "postgres_backend_kill",
    target: "postgres",
    missing: () => (process.platform === "linux" ? undefined : "there is no /proc"),
    async run({ stage, random, ms }) {
      const backends = await stage.postgres.admin(
        (sql) => sql<{ pid: number }[]>`SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'datastorage%'`,
      );
      if (backends.length === 0) return { missed: "there is no backend of a service" };
      process.kill(random.pick(backends).pid, "SIGKILL");
      await wait(Math.min(ms, 1000));
      return { did: "PostgreSQL recovers by itself" };
    },
  },
  {
    name: "PostgreSQL terminates all connections",
    kind: "postgres_terminate",
    target: "postgres",
    async run({ stage, random }) {
      const rounds = random.integer(1, 3);
      let ended = 0;
      for (let round = 0; round < rounds; round++) {
        ended += await terminate(stage);
        await wait(random.integer(50, 500));
      }
      return { did: `${ended} connections` };
    },
  },
  {
    name: "max_connections reached",
    kind: "postgres_max_connections",
    target: "postgres",
    run: takeAllConnections,
  },
  {
    name: "PostgreSQL stands still (SIGSTOP)",
    kind: "postgres_stop",
    target: "postgres",
    missing: () => (process.platform === "linux" ? undefined : "there is no /proc"),
    async run({ stage, ms }) {
      const postmaster = stage.postgres.server.pid;
      if (postmaster === undefined) return { missed: "PostgreSQL does not run" };
      // The postmaster first, so that it starts no more meanwhile.
      signalAll([postmaster], "SIGSTOP");
      const children = childrenOf(postmaster);
      signalAll(children, "SIGSTOP");
      try {
        await wait(ms);
      } finally {
        signalAll([...children, postmaster], "SIGCONT");
      }
      return { did: `${children.length + 1} processes for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "a lock is held on audit_events",
    kind: "postgres_lock",
    target: "postgres",
    async run({ stage, random, ms }) {
      const mode = random.pick(["SHARE", "ACCESS EXCLUSIVE"]);
      await stage.postgres.admin(async (sql) => {
        await sql.begin(async (transaction) => {
          await transaction.unsafe(`LOCK TABLE audit_events IN ${mode} MODE`);
          await wait(ms);
        });
      });
      return { did: `${mode} for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "PostgreSQL's disk is full",
    kind: "postgres_disk_full",
    target: "postgres",
    missing: ({ walDisk }) => (walDisk === undefined ? "a small disk can be mounted by root alone" : undefined),
    run: fillDisk,
  },
  {
    name: "PostgreSQL is read-only",
    kind: "postgres_read_only",
    target: "postgres",
    async run({ stage, ms }) {
      const set = async (readOnly: boolean) => {
        await stage.postgres.admin((sql) =>
          sql.unsafe(`ALTER DATABASE datastorage SET default_transaction_read_only = ${readOnly ? "on" : "off"}`),
        );
        await terminate(stage);
      };
      await set(true);
      try {
        await wait(ms);
      } finally {
        await writable(stage);
        await terminate(stage);
      }
      return { did: `for ${Math.round(ms)} ms` };
    },
  },
];

async function writable(stage: Stage): Promise<void> {
  await stage.postgres.server.up();
  await stage.postgres.admin(async (sql) => {
    await sql.unsafe("SET default_transaction_read_only = off");
    await sql.unsafe("ALTER DATABASE datastorage RESET default_transaction_read_only");
  });
}

async function down({ stage, random, ms }: FaultRun, signal: NodeJS.Signals) {
  const release = await stage.postgres.server.hold(signal);
  // Often it is back at once, sometimes an outage follows.
  const away = random.chance(0.5) ? 0 : ms;
  await wait(away);
  const begun = performance.now();
  await release();
  return { did: `away for ${Math.round(away)} ms, up again ${Math.round(performance.now() - begun)} ms later` };
}

async function terminate(stage: Stage): Promise<number> {
  const ended = await stage.postgres.admin(
    (sql) => sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'datastorage%'`,
  );
  return ended.length;
}

/** Takes what is free, ends the service's connections and takes their places too. */
async function takeAllConnections({ stage, ms }: FaultRun) {
  const taken: postgres.Sql[] = [];
  const takeFree = async () => {
    for (let refused = 0; refused < 3; ) {
      const sql = postgres(stage.postgres.url, { max: 1, connect_timeout: 3, onnotice: () => {} });
      try {
        await sql`SELECT 1`;
        taken.push(sql);
      } catch {
        refused++;
        await sql.end({ timeout: 0 });
      }
    }
  };
  try {
    await takeFree();
    const ended = await terminate(stage);
    await takeFree();
    await wait(ms);
    return { did: `${taken.length} taken, ${ended} of the service's ended, for ${Math.round(ms)} ms` };
  } finally {
    await Promise.all(taken.map((sql) => sql.end({ timeout: 0 })));
  }
}

/** PostgreSQL keeps segments of its log for use again: they have to be used up before a full disk hurts. */
async function fillDisk({ stage, ms }: FaultRun) {
  const { walDisk, postgres: database } = stage;
  if (walDisk === undefined) return { missed: "there is no small disk" };
  const lives = database.server.lives;
  let segments = 0;
  try {
    await walDisk.fill();
    const until = performance.now() + Math.max(ms, 3000);
    try {
      while (performance.now() < until) {
        await database.admin(async (sql) => {
          // A segment without anything in it is not left.
          await sql.unsafe("SELECT pg_logical_emit_message(false, 'hammer', 'full')");
          await sql.unsafe("SELECT pg_switch_wal()");
        });
        segments++;
      }
      return { missed: `${segments} segments were not enough` };
    } catch {
      await wait(ms);
    }
  } finally {
    walDisk.clear();
    await database.server.up();
  }
  return { did: `after ${segments} segments, ${database.server.lives - lives} new lives` };
}
