import { setTimeout as wait } from "node:timers/promises";
import type { Stage } from "../stage/stage.ts";
import type { Fault, FaultRun } from "./fault.ts";

/** What happens to Valkey itself, and to both stores at once. Some of it comes while events wait in the queue. */
export const valkeyFaults: readonly Fault[] = [
  {
    name: "kill -9 of Valkey",
    kind: "valkey_kill",
    target: "valkey",
    run: (run) => down(run, "SIGKILL"),
  },
  {
    name: "restart of Valkey",
    kind: "valkey_restart",
    target: "valkey",
    run: (run) => down(run, "SIGTERM"),
  },
  {
    name: "kill -9 of Valkey while events wait in it",
    kind: "valkey_kill_backlog",
    target: "everything",
    async run({ stage, random, ms }) {
      const queued = await withPostgresAway(stage, ms, async () => {
        const waiting = await entriesAfter(stage, random.integer(200, 1500));
        const release = await stage.valkey.server.hold("SIGKILL");
        await wait(random.integer(0, 500));
        await release();
        return waiting;
      });
      return { did: `with ${queued} entries` };
    },
  },
  {
    name: "Valkey stands still (SIGSTOP) while it is needed",
    kind: "valkey_stop",
    target: "everything",
    async run({ stage, random, ms }) {
      await withPostgresAway(stage, ms, async () => {
        await wait(random.integer(0, 1000));
        stage.valkey.server.signal("SIGSTOP");
        try {
          await wait(ms);
        } finally {
          stage.valkey.server.signal("SIGCONT");
        }
      });
      return { did: `for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "Valkey rewrites its file under load",
    kind: "valkey_rewrite",
    target: "everything",
    async run({ stage, random, ms }) {
      await withPostgresAway(stage, ms, async () => {
        for (let times = random.integer(1, 3); times > 0; times--) {
          await wait(random.integer(100, 700));
          // One may be under way already.
          await stage.valkey.run((redis) => redis.call("BGREWRITEAOF")).catch(() => {});
        }
      });
      return { did: "while events came in" };
    },
  },
  {
    name: "both stores are away",
    kind: "both_away",
    target: "everything",
    async run({ stage, random, ms }) {
      const signals = ["SIGKILL", "SIGINT"] as const;
      const releases = await Promise.all([
        stage.postgres.server.hold(random.pick(signals)),
        stage.valkey.server.hold(random.pick(["SIGKILL", "SIGTERM"] as const)),
      ]);
      await wait(ms);
      const [first, second] = random.shuffled(releases);
      await first?.();
      await wait(random.integer(0, 1000));
      await second?.();
      return { did: `for ${Math.round(ms)} ms` };
    },
  },
];

/** What a run of its own does besides: the queue loses everything. */
export const wipeFaults: readonly Fault[] = [
  {
    name: "FLUSHALL while events wait in Valkey",
    kind: "wipe_flush",
    target: "everything",
    async run({ stage, random, ms }) {
      const lost = await withPostgresAway(stage, ms, async () => {
        const waiting = await entriesAfter(stage, random.integer(500, 3000));
        await stage.valkey.run((redis) => redis.flushall());
        await wait(random.integer(0, 1000));
        return waiting;
      });
      return { did: `with ${lost} entries` };
    },
  },
  {
    name: "Valkey loses its disk while events wait in it",
    kind: "wipe_disk",
    target: "everything",
    async run({ stage, random, ms }) {
      const lost = await withPostgresAway(stage, ms, async () => {
        const waiting = await entriesAfter(stage, random.integer(500, 3000));
        await stage.valkey.loseData();
        await wait(random.integer(0, 1000));
        return waiting;
      });
      return { did: `with ${lost} entries` };
    },
  },
  {
    name: "FLUSHALL while the queue is drained",
    kind: "wipe_drain",
    target: "everything",
    async run({ stage, random, ms }) {
      const lost = await withPostgresAway(stage, ms, async () => entriesAfter(stage, random.integer(500, 3000)));
      await wait(random.integer(0, 400));
      const left = await depth(stage);
      await stage.valkey.run((redis) => redis.flushall());
      return { did: `with ${left} of ${lost} entries` };
    },
  },
];

/** Queued entries of both streams. */
export function depth(stage: Stage): Promise<number> {
  return stage.valkey.run(
    async (redis) => (await redis.xlen("audit:dlq:events")) + (await redis.xlen("audit:dlq:notifications")),
  );
}

async function entriesAfter(stage: Stage, ms: number): Promise<number> {
  await wait(ms);
  return depth(stage);
}

/** Does something while PostgreSQL refuses all services, for `ms` at least. */
async function withPostgresAway<T>(stage: Stage, ms: number, work: () => Promise<T>): Promise<T> {
  const back = stage.services.map(({ postgres }) => postgres.disturb({ refuse: true }));
  try {
    const [result] = await Promise.all([work(), wait(ms)]);
    return result;
  } finally {
    for (const undo of back) undo();
    await stage.valkey.server.up();
  }
}

async function down({ stage, random, ms }: FaultRun, signal: NodeJS.Signals) {
  const release = await stage.valkey.server.hold(signal);
  const away = random.chance(0.5) ? 0 : ms;
  await wait(away);
  await release();
  return { did: `away for ${Math.round(away)} ms` };
}
