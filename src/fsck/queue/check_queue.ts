import { DEAD_LETTER_KEYS, META_KEY, QUEUE_KEYS, SIZES_KEY, STREAMS, TRIES_KEY } from "../../deadletter/keys.ts";
import type { CheckContext } from "../check.ts";
import { hasTable } from "../schema.ts";
import { type Account, QueueReader } from "./reader.ts";
import { QueueWalk } from "./walk.ts";

type Context = CheckContext<"queue">;

/**
 * Checks the queue against its own account of itself and against the database. It may be in use: what looks wrong is looked at
 * again in one moment before it is told, and sums are compared only where nothing has changed. Gives how many entries and
 * dead letters it looked at.
 *
 * @throws Fault `unavailable` when Valkey cannot be reached.
 */
export async function checkQueue(context: Context, valkeyUrl: string, signal?: AbortSignal): Promise<number> {
  const reader = await QueueReader.open(valkeyUrl, signal ?? new AbortController().signal);
  try {
    return await look(context, reader);
  } finally {
    reader.close();
  }
}

async function look(context: Context, reader: QueueReader): Promise<number> {
  const { report } = context;
  const before = await reader.account();
  if (!(await checkEpoch(context, before))) return 0;
  const walk = new QueueWalk(context, reader);
  for (const stream of STREAMS) {
    const key = QUEUE_KEYS[stream];
    if (await reader.hasGroup(key)) await checkPending(context, reader, key);
    else await report.fault("no_group", { name: key });
    await walk.entries(stream);
    await walk.letters(stream);
  }
  await checkNotes(context, reader, walk);
  const after = await reader.account();
  if (isUnchanged(before, after)) await checkBytes(context, after, walk);
  else report.note("the queue was in use: its counts of bytes were not compared");
  walk.tellStored();
  return walk.looked;
}

/** Whether there is a queue to look at. */
async function checkEpoch({ snapshot, report }: Context, { epoch, lengths }: Account): Promise<boolean> {
  const known = (await hasTable(snapshot, "audit_queue_drain"))
    ? (await snapshot.all<{ epoch: string | null }>("SELECT epoch FROM audit_queue_drain"))[0]?.epoch
    : undefined;
  const isEmpty = Object.values(lengths).every((length) => length === 0);
  const expected = known ? `epoch ${known}` : "an epoch";
  if (epoch !== undefined) {
    if (known && known !== epoch) {
      await report.fault("other_queue", { name: META_KEY, expected, found: `epoch ${epoch}` });
    }
  } else if (known || !isEmpty) await report.fault("no_queue", { name: META_KEY, expected, found: "none" });
  else report.note("there is no queue yet");
  return epoch !== undefined || !isEmpty;
}

async function checkPending({ report }: Context, reader: QueueReader, key: string): Promise<void> {
  for await (const page of reader.pending(key)) {
    for (const { id, consumer } of page) {
      if (!(await reader.holdsNone(key, id))) continue;
      await report.fault("pending_without_entry", { name: `${key} ${id}`, found: `consumer ${consumer}` });
    }
  }
}

/** Tries and sizes are noted for entries that are there. */
async function checkNotes({ report }: Context, reader: QueueReader, walk: QueueWalk): Promise<void> {
  for (const [key, kind] of [
    [TRIES_KEY, "tries_without_entry"],
    [SIZES_KEY, "size_without_entry"],
  ] as const) {
    for await (const page of reader.names(key)) {
      for (const sequence of page) {
        if (walk.hasSeen(sequence) || !(await reader.namesNone(key, sequence))) continue;
        await report.fault(kind, { name: `${key} ${sequence}` });
      }
    }
  }
}

async function checkBytes({ report }: Context, account: Account, walk: QueueWalk): Promise<void> {
  for (const stream of STREAMS) {
    for (const [key, counted] of [
      [QUEUE_KEYS[stream], account.bytes[stream]],
      [DEAD_LETTER_KEYS[stream], account.letterBytes[stream]],
    ] as const) {
      const sum = walk.bytesOf(key);
      if (counted === sum) continue;
      await report.fault("wrong_bytes", { name: key, expected: `${sum} bytes`, found: `${counted} bytes` });
    }
  }
}

/** Whatever enters takes a number of the sequence, so that what has only left shows in the lengths. */
function isUnchanged(before: Account, after: Account): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
