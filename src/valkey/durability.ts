import { randomUUID } from "node:crypto";
import type { Commands } from "./link.ts";

/** Milliseconds that an fsync may take; shorter than a link may be silent, so that the answer says which of the two failed. */
export const FSYNC_MS = 2000;

/** The server answers, and does not keep what it is given: nothing may be told to be QUEUED. */
export class NotDurable extends Error {
  override readonly name = "NotDurable";
}

/** How what was written is known to be on disk. */
export type Durability = "waitaof" | "always";

/** Replaces a value; the DEL first, because a server that is out of memory lets a script go on that has begun to write. */
const WRITE = "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)";

/**
 * Looks whether what is written to this server outlives it: an append-only file that is fsynced before the answer, no
 * eviction, and no replica, which would forget what it is told. Where the server can say so (WAITAOF, Valkey 7.2 and later),
 * it is not taken at its word: a value is written to `key` and its fsync waited for.
 *
 * @throws NotDurable with the setting that is wrong; Error where the server cannot be asked now.
 */
export async function proveDurability(redis: Commands, key: string): Promise<Durability> {
  const facts = parseInfo(await redis.info());
  if (facts.get("loading") === "1") throw new Error("it is loading its data");
  const wrong = faultOf(facts);
  if (wrong !== undefined) throw new NotDurable(wrong);
  if (!(await knowsWaitAof(redis))) {
    await requireFsyncAlways(redis);
    return "always";
  }
  await redis.eval(WRITE, 1, key, randomUUID());
  if (!(await waitForFsync(redis))) {
    throw new NotDurable(
      "what is written is not fsynced in time (is appendfsync everysec or always, and the disk well?)",
    );
  }
  return "waitaof";
}

/** Waits until everything written on this connection is on disk. False: it cannot be told. */
export async function waitForFsync(redis: Commands): Promise<boolean> {
  const [local] = (await redis.call("WAITAOF", 1, 0, FSYNC_MS)) as [number, number];
  return local >= 1;
}

function parseInfo(info: string): ReadonlyMap<string, string> {
  return new Map(
    info.split("\r\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

function faultOf(facts: ReadonlyMap<string, string>): string | undefined {
  const policy = facts.get("maxmemory_policy");
  if (facts.get("role") !== "master") return "it is a replica";
  if (facts.get("cluster_enabled") === "1") return "it is a cluster, which scripts over several keys cannot use";
  if (facts.get("aof_enabled") !== "1") return "appendonly is not yes";
  if (facts.get("aof_last_write_status") !== "ok") return "its last write to the append-only file failed";
  if (policy !== "noeviction") return `maxmemory-policy is ${policy ?? "not known"} and must be noeviction`;
  return undefined;
}

async function knowsWaitAof(redis: Commands): Promise<boolean> {
  try {
    await redis.call("WAITAOF", 0, 0, 1);
    return true;
  } catch (error) {
    if (/unknown command|NOPERM/i.test((error as Error).message)) return false;
    throw error;
  }
}

/** Without WAITAOF an answer means "on disk" only where every write is fsynced before it, also during a rewrite. */
async function requireFsyncAlways(redis: Commands): Promise<void> {
  let settings: Map<string, string>;
  try {
    settings = new Map([
      await readSetting(redis, "appendfsync"),
      await readSetting(redis, "no-appendfsync-on-rewrite"),
    ]);
  } catch (error) {
    if (!/NOPERM|unknown command/i.test((error as Error).message)) throw error;
    throw new NotDurable("it knows no WAITAOF and does not let appendfsync be read");
  }
  if (settings.get("appendfsync") !== "always") {
    throw new NotDurable(`it knows no WAITAOF, and appendfsync is ${settings.get("appendfsync")} and must be always`);
  }
  if (settings.get("no-appendfsync-on-rewrite") !== "no") throw new NotDurable("no-appendfsync-on-rewrite must be no");
}

async function readSetting(redis: Commands, name: string): Promise<[string, string]> {
  const [, value = ""] = (await redis.config("GET", name)) as string[];
  return [name, value];
}
