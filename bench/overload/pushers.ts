import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Sql } from "../../src/postgres/pool.ts";
import { type BatchName, idParts } from "./batch_template.ts";
import { NOTHING_YET, type PushCounts } from "./push_stream.ts";
import type { FromPusher, Push, ToPusher } from "./pusher_process.ts";

export interface PushersOptions extends Omit<Push, "firstStream"> {
  /** Client processes: streams, connections and events are shared among them. */
  readonly processes: number;
  /** Number of the first stream: streams that push into one database one after the other must differ. Default 0. */
  readonly firstStream?: number;
}

/** Client processes that push until they are told to end. */
export interface Pushers {
  /** What they were told, all together. */
  readonly counts: Readonly<PushCounts>;
  /** Streams that flow control keeps from sending. */
  readonly heldBack: number;
  /** Rejects when one of them fails. */
  readonly failed: Promise<never>;
  /** No new batches; resolves with all batches when each is acknowledged. */
  end(): Promise<readonly BatchName[]>;
  kill(): void;
}

export function startPushers({ processes, firstStream = 0, ...all }: PushersOptions): Pushers {
  const streams = all.streams / processes;
  const pushers = Array.from({ length: processes }, (_, index) => {
    const rate = all.eventsPerSecond === undefined ? {} : { eventsPerSecond: all.eventsPerSecond / processes };
    const connections = all.connections / processes;
    return new Pusher({ ...all, ...rate, streams, connections, firstStream: firstStream + index * streams });
  });
  const failed = Promise.race(pushers.map((pusher) => pusher.failed));
  failed.catch(() => {});
  return {
    get counts() {
      return pushers.map(({ counts }) => counts).reduce(sum, NOTHING_YET);
    },
    get heldBack() {
      return pushers.reduce((count, { heldBack }) => count + heldBack, 0);
    },
    failed,
    async end() {
      for (const pusher of pushers) pusher.tell("end");
      const acknowledged = Promise.all(pushers.map((pusher) => pusher.acknowledged));
      return (await Promise.race([acknowledged, failed])).flat();
    },
    kill() {
      for (const pusher of pushers) pusher.kill();
    },
  };
}

class Pusher {
  counts: PushCounts = NOTHING_YET;
  heldBack = 0;
  readonly acknowledged: Promise<readonly BatchName[]>;
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;

  constructor(push: Push) {
    const file = fileURLToPath(new URL("pusher_process.ts", import.meta.url));
    this.#child = fork(file, { execArgv: [], serialization: "advanced" });
    const acknowledged = Promise.withResolvers<readonly BatchName[]>();
    const failed = Promise.withResolvers<never>();
    this.acknowledged = acknowledged.promise;
    this.failed = failed.promise;
    this.failed.catch(() => {});
    this.#child.on("message", (message: FromPusher) => {
      if ("failed" in message) failed.reject(new Error(message.failed));
      else if ("acknowledged" in message) acknowledged.resolve(message.acknowledged);
      else Object.assign(this, message);
    });
    this.#child.on("exit", (code, signal) => failed.reject(new Error(`a client ended with ${code ?? signal}`)));
    this.tell({ push });
  }

  tell(message: ToPusher): void {
    this.#child.send(message);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function sum(a: PushCounts, b: PushCounts): PushCounts {
  const names = Object.keys(a) as (keyof PushCounts)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as PushCounts;
}

/** Batches of one question. */
const ASKED = 200;

/** How many events of these batches are not stored. */
export async function countMissing(sql: Sql, batches: readonly BatchName[], batch: number): Promise<number> {
  let missing = 0;
  for (let at = 0; at < batches.length; at += ASKED) {
    const parts = batches.slice(at, at + ASKED).map(idParts);
    const [row] = await sql.unsafe<{ missing: number }[]>(MISSING, [
      parts.map(([before]) => before).join(),
      parts.map(([, after]) => after).join(),
      batch,
    ]);
    missing += row?.missing ?? 0;
  }
  return missing;
}

const MISSING = `
  SELECT count(*)::int AS missing
  FROM unnest(string_to_array($1, ','), string_to_array($2, ',')) AS part (before, after), generate_series(0, $3::int - 1) AS place
  WHERE NOT EXISTS (
    SELECT FROM audit_event_ids
    WHERE event_id = (part.before || lpad(to_hex(place), 3, '0') || part.after)::uuid)`;
