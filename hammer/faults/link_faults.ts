import { setTimeout as wait } from "node:timers/promises";
import type { Disturbance, Link } from "../stage/link.ts";
import type { StageService } from "../stage/service.ts";
import type { Fault, FaultRun, Target } from "./fault.ts";

/** What happens on the way between the services and the stores. */
export const linkFaults: readonly Fault[] = [
  disturbed("PostgreSQL refuses connections", "postgres_refused", "postgres_link", () => ({ refuse: true })),
  disturbed("the link to PostgreSQL is slow", "postgres_slow", "postgres_link", ({ random }) => ({
    delayMs: random.integer(20, 400),
  })),
  disturbed("the link to PostgreSQL is half open", "postgres_half_open", "postgres_link", () => ({ swallow: true })),
  disturbed("Valkey refuses connections", "valkey_refused", "valkey_link", () => ({ refuse: true })),
  disturbed("the link to Valkey is slow", "valkey_slow", "valkey_link", ({ random }) => ({
    delayMs: random.integer(20, 400),
  })),
  disturbed("the link to Valkey is half open", "valkey_half_open", "valkey_link", () => ({ swallow: true })),
  {
    name: "PostgreSQL is away, and the link to Valkey is slow or half open",
    kind: "queue_disturbed",
    target: "everything",
    async run({ stage, random, ms }) {
      const valkey: Disturbance = random.chance(0.5) ? { swallow: true } : { delayMs: random.integer(20, 300) };
      const away = stage.services.map(({ postgres }) => postgres.disturb({ refuse: true }));
      await wait(random.integer(0, 1000));
      const undo = stage.services.map((service) => service.valkey.disturb(valkey));
      await wait(ms);
      // Whichever comes back first.
      for (const first of random.chance(0.5) ? away : undo) first();
      await wait(random.integer(0, 700));
      for (const each of [...away, ...undo]) each();
      return { did: `${JSON.stringify(valkey)} for ${Math.round(ms)} ms` };
    },
  },
  {
    name: "the connection is cut after an append was sent and before its answer",
    kind: "postgres_cut_unanswered",
    target: "postgres_link",
    run: (run) => cutAppends(run, "answer"),
  },
  {
    name: "the connection is cut as an append is sent",
    kind: "postgres_cut_sent",
    target: "postgres_link",
    run: (run) => cutAppends(run, "sending"),
  },
  {
    name: "the connection to Valkey is cut after entries were sent and before the answer",
    kind: "valkey_cut_unanswered",
    target: "everything",
    run: cutEntries,
  },
  {
    name: "all connections of a service are reset",
    kind: "links_reset",
    target: "postgres_link",
    async run({ stage, random }) {
      const times = random.integer(1, 4);
      for (let time = 0; time < times; time++) {
        for (const { postgres, valkey } of stage.services) {
          postgres.reset();
          if (random.chance(0.5)) valkey.reset();
        }
        await wait(random.integer(20, 400));
      }
      return { did: `${times} times` };
    },
  },
];

function disturbed(name: string, kind: string, target: Target, draw: (run: FaultRun) => Disturbance): Fault {
  return {
    name,
    kind,
    target,
    async run(run) {
      const { stage, random, ms } = run;
      const disturbance = draw(run);
      // With two services, sometimes only one of them is cut off.
      const services = random.chance(0.3) ? [random.pick(stage.services)] : stage.services;
      const undo = services.map((service) => linkOf(service, target).disturb(disturbance));
      await wait(ms);
      for (const each of undo) each();
      const whom = services.map(({ number }) => number).join(" and ");
      return { did: `service ${whom}: ${JSON.stringify(disturbance)} for ${Math.round(ms)} ms` };
    },
  };
}

function linkOf(service: StageService, target: Target): Link {
  return target === "valkey_link" ? service.valkey : service.postgres;
}

/** Ends each message sequence of PostgreSQL's extended protocol: a Sync without a body. */
const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
/** Stands between the fields of an append, and in no other statement. */
const FIELD_SEPARATOR = 0x1f;

/** Cuts appends: as their last byte is passed on, or when their answer comes, which is dropped. */
async function cutAppends({ stage, random, ms }: FaultRun, when: "sending" | "answer") {
  const connections = new WeakMap<object, "appending" | "sent">();
  let cuts = 0;
  let toPass = random.integer(0, 5);
  const judge: Disturbance["judge"] = (chunk, direction, connection) => {
    if (direction === "down") {
      if (connections.get(connection) !== "sent") return "pass";
      cuts++;
      return "cut";
    }
    if (chunk.includes(FIELD_SEPARATOR)) connections.set(connection, "appending");
    if (connections.get(connection) !== "appending" || !chunk.subarray(-SYNC.length).equals(SYNC)) return "pass";
    connections.delete(connection);
    if (toPass-- > 0) return "pass";
    toPass = random.integer(0, 5);
    if (when === "answer") {
      connections.set(connection, "sent");
      return "pass";
    }
    cuts++;
    return "pass_and_cut";
  };
  const undo = stage.services.map(({ postgres }) => postgres.disturb({ judge }));
  await wait(ms);
  for (const each of undo) each();
  return cuts === 0 ? { missed: "no append was under way" } : { did: `${cuts} appends` };
}

/** The same for entries of the queue, while PostgreSQL is away. */
async function cutEntries({ stage, random, ms }: FaultRun) {
  const waiting = new WeakSet<object>();
  let cuts = 0;
  const judge: Disturbance["judge"] = (chunk, direction, connection) => {
    if (direction === "up" && chunk.includes("payload") && random.chance(0.3)) waiting.add(connection);
    if (direction === "up" || !waiting.has(connection)) return "pass";
    cuts++;
    return "cut";
  };
  const away = stage.services.map(({ postgres }) => postgres.disturb({ refuse: true }));
  const undo = stage.services.map(({ valkey }) => valkey.disturb({ judge }));
  await wait(Math.max(ms, 1500));
  for (const each of [...away, ...undo]) each();
  return cuts === 0 ? { missed: "nothing was sent to the queue" } : { did: `${cuts} answers` };
}
