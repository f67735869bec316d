import { setTimeout as wait } from "node:timers/promises";
import { FAILPOINTS, type Failpoint } from "../../src/failpoint.ts";
import type { StageService } from "../stage/service.ts";
import type { Stage } from "../stage/stage.ts";
import type { Fault, FaultRun } from "./fault.ts";
import { untilHolder } from "./log_holder.ts";

/** What has to happen for a service to come by a place; undefined: no campaign brings it there, tests of its own do. */
type Way = "load" | "outage" | "backlog" | "holder" | "term";

/** How a place is reached where the plain load does not pass it. */
const WAYS: Partial<Record<Failpoint, Way | "never">> = {
  "append.repeats": "outage",
  "append.heads": "outage",
  "append.failed": "outage",
  "queue.encode": "outage",
  "queue.add": "outage",
  "queue.added": "outage",
  "queue.synced": "outage",
  "queue.held": "outage",
  "drain.lease": "backlog",
  "drain.fence": "backlog",
  "drain.claim": "backlog",
  "drain.read": "backlog",
  "drain.append": "backlog",
  "drain.appended": "backlog",
  "drain.settled": "backlog",
  // Events that were QUEUED although their id was taken become dead letters.
  "drain.bury": "backlog",
  "drain.buried": "backlog",
  // An entry that fails by itself, and what people do with dead letters.
  "drain.tried": "never",
  "letter.replay": "never",
  "letter.replayed": "never",
  "letter.discard": "never",
  // Clients of a campaign ask nothing of the catalog.
  "catalog.read": "never",
  "catalog.send": "never",
  "catalog.answered": "never",
  "log.read": "holder",
  "log.advance": "holder",
  "log.advanced": "holder",
  "log.sign": "holder",
  "log.signed": "holder",
  "log.kept": "holder",
  "log.published": "holder",
  "shutdown.drain": "term",
};

/** Places that are passed once by whoever begins to drain, or now and then. */
const ONCE: ReadonlySet<Failpoint> = new Set([
  "append.heads",
  "drain.lease",
  "drain.fence",
  "drain.claim",
  "drain.bury",
  "drain.buried",
  "shutdown.drain",
]);

/** Milliseconds within which an armed place should be reached. */
const REACH_MS = 8000;

/** Milliseconds that the other service is away, for clients and the drain to come over. */
const AWAY_MS = 500;

/** A kill -9 at each place along the way of an event that a campaign comes by. */
export const failpointFaults: readonly Fault[] = FAILPOINTS.filter((place) => WAYS[place] !== "never").map((place) => ({
  name: `kill -9 at ${place}`,
  kind: `failpoint ${place}`,
  target: "everything",
  run: (run) => killAt(place, run),
}));

async function killAt(place: Failpoint, run: FaultRun) {
  const { stage, random } = run;
  const service = random.pick(stage.services);
  const way = WAYS[place] as Way | undefined;
  const passings = ONCE.has(place) ? 1 : random.integer(1, way === undefined ? 30 : 3);
  const { server } = service;
  service.arm(`${place}:${passings}`);
  // Killed, it would leave the lease of the drain behind, which first has to run out.
  const release = await server.hold(way === "backlog" ? "SIGTERM" : "SIGKILL");
  const life = server.lives + 1;
  await release();
  const provoking = provoke(way, stage, service, run.ms);
  const ended = new AbortController();
  const brought = bringWork(
    stage,
    service,
    way === "backlog" ? provoking : untilItHolds(way, run, service, ended.signal),
  );
  const killed = await server.endOf(life, REACH_MS);
  ended.abort();
  await Promise.all([provoking, brought]);
  if (killed) {
    await server.up();
    return { did: `${server.name}, at the passing number ${passings}` };
  }
  const disarm = await server.hold("SIGKILL");
  await disarm();
  return { missed: `${server.name} did not come by ${place} ${passings} times within ${REACH_MS / 1000} s` };
}

/** Clients stay with the service that they are with, and so does the drain: the others have to go until it is this one. */
async function bringWork(stage: Stage, service: StageService, provoked: Promise<void>): Promise<void> {
  const others = stage.services.filter((other) => other !== service);
  const back = await Promise.all(others.map(({ server }) => server.hold("SIGTERM")));
  await provoked;
  await wait(AWAY_MS);
  await Promise.all(back.map((release) => release()));
}

/** Of several services only the one that has the log comes by its places: the others come back when this one has it, and compete. */
async function untilItHolds(
  way: Way | undefined,
  { stage }: FaultRun,
  service: StageService,
  ended: AbortSignal,
): Promise<void> {
  if (way !== "holder" || stage.services.length === 1) return;
  await untilHolder(stage, (holder) => holder === service || ended.aborted, REACH_MS);
}

async function provoke(way: Way | undefined, stage: Stage, service: StageService, ms: number): Promise<void> {
  if (way === "term") {
    await wait(Math.min(ms, 1000));
    service.server.signal("SIGTERM");
  }
  if (way !== "outage" && way !== "backlog") return;
  const back = stage.services.map(({ postgres }) => postgres.disturb({ refuse: true }));
  await wait(Math.min(Math.max(ms, 700), 2500));
  for (const undo of back) undo();
}
