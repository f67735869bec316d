import { setTimeout as wait } from "node:timers/promises";
import type { Fault, FaultRun } from "./fault.ts";

const HOUR_MS = 3_600_000;

/** What happens to the service's own processes. */
export const serviceFaults: readonly Fault[] = [
  {
    name: "kill -9 of a service",
    kind: "service_kill",
    target: "service",
    async run({ stage, random, ms }) {
      const service = random.pick(stage.services);
      const release = await service.server.hold("SIGKILL");
      await wait(ms / 4);
      await release();
      return { did: `${service.server.name}, away for ${Math.round(ms / 4)} ms` };
    },
  },
  {
    name: "SIGTERM of a service under load",
    kind: "service_term",
    target: "service",
    async run({ stage, random }) {
      const service = random.pick(stage.services);
      const begun = performance.now();
      const release = await service.server.hold("SIGTERM");
      const took = performance.now() - begun;
      await release();
      return { did: `${service.server.name}, ended within ${Math.round(took)} ms` };
    },
  },
  {
    name: "a service stands still (SIGSTOP) and wakes up late",
    kind: "service_stop",
    target: "service",
    async run({ stage, random, ms }) {
      const service = random.pick(stage.services);
      const stopped = ms * 2;
      service.server.signal("SIGSTOP");
      try {
        await wait(stopped);
      } finally {
        service.server.signal("SIGCONT");
      }
      return { did: `${service.server.name} for ${Math.round(stopped)} ms` };
    },
  },
  {
    name: "a service stands still with a backlog in the queue",
    kind: "service_stop_backlog",
    target: "everything",
    async run({ stage, random, ms }) {
      const service = random.pick(stage.services);
      const back = stage.services.map(({ postgres }) => postgres.disturb({ refuse: true }));
      try {
        await wait(1500);
        for (const undo of back) undo();
        // The drainer begins about now; the lease may run out while it sleeps.
        await wait(random.integer(0, 800));
        service.server.signal("SIGSTOP");
        await wait(ms * 2);
      } finally {
        for (const undo of back) undo();
        service.server.signal("SIGCONT");
      }
      return { did: `${service.server.name} for ${Math.round(ms * 2)} ms` };
    },
  },
  {
    name: "the clock of a service steps",
    kind: "clock_step",
    target: "service",
    async run({ stage, random, ms }) {
      const service = random.pick(stage.services);
      const hours = random.pick([-26, -3, -1, 1, 2, 30]);
      return step({ stage, random, ms }, service.number, hours * HOUR_MS, `${hours} h`);
    },
  },
  {
    name: "the clock of a service steps over a month's end",
    kind: "clock_month",
    target: "service",
    async run(run) {
      const service = run.random.pick(run.stage.services);
      const now = new Date();
      const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
      return step(run, service.number, end - now.getTime() - run.ms / 2, "to just before the month's end, and over it");
    },
  },
];

async function step({ stage, ms }: FaultRun, number: number, offsetMs: number, how: string) {
  const service = stage.services[number - 1];
  service?.setClock(offsetMs);
  try {
    await wait(ms);
  } finally {
    service?.setClock(0);
  }
  return { did: `service ${number}: ${how}, and back after ${Math.round(ms)} ms` };
}
