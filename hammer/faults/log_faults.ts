import { setTimeout as wait } from "node:timers/promises";
import type { Fault, FaultRun } from "./fault.ts";
import { untilHolder } from "./log_holder.ts";

/** Milliseconds within which a service should have the lock of the log. */
const HELD_MS = 5_000;
/** A session of the sequencer that says nothing for ten seconds is ended by the server. */
const SESSION_MS = 10_000;
const NONE = { missed: `no service had the log within ${HELD_MS / 1000} s` } as const;

/** What happens to the process that gives events their index in the log, and signs it. */
export const logFaults: readonly Fault[] = [
  {
    name: "kill -9 of the service that has the log",
    kind: "log_kill",
    target: "service",
    async run({ stage, ms }) {
      const service = await untilHolder(stage, () => true, HELD_MS);
      if (service === undefined) return NONE;
      const release = await service.server.hold("SIGKILL");
      await wait(ms / 4);
      await release();
      return { did: `${service.server.name}, away for ${Math.round(ms / 4)} ms` };
    },
  },
  {
    name: "the service that has the log stands still for longer than its session lives",
    kind: "log_stop",
    target: "everything",
    async run({ stage, ms }) {
      const service = await untilHolder(stage, () => true, HELD_MS);
      if (service === undefined) return NONE;
      const stopped = SESSION_MS + 1000 + ms;
      const { server } = service;
      const life = server.lives;
      server.signal("SIGSTOP");
      try {
        await wait(stopped);
      } finally {
        if (server.lives === life) server.signal("SIGCONT");
      }
      const after = await untilHolder(stage, () => true, HELD_MS);
      return { did: `${server.name} for ${Math.round(stopped)} ms; then ${after?.server.name ?? "nobody"} had it` };
    },
  },
  {
    name: "the connection that has the log is terminated, again and again",
    kind: "log_connection",
    target: "postgres_link",
    run: terminateOften,
  },
];

async function terminateOften({ stage, ms, random }: FaultRun) {
  let terminated = 0;
  for (const begun = performance.now(); performance.now() - begun < ms; await wait(random.integer(20, 300))) {
    const rows = await stage.postgres
      .admin(
        (sql) =>
          sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datastorage sequencer'`,
      )
      .catch(() => []);
    terminated += rows.length;
  }
  return terminated > 0 ? { did: `${terminated} times` } : { missed: "there was none" };
}
