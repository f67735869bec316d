// Every kind of damage that the check of the queue knows, done to a real one.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { bytesOf, encodeEntry } from "../../src/deadletter/entry.ts";
import {
  DEAD_LETTER_KEYS,
  GROUP,
  META_KEY,
  QUEUE_KEYS,
  SIZES_KEY,
  type StreamName,
  TRIES_KEY,
} from "../../src/deadletter/keys.ts";
import { toLetter, undecodableLetter } from "../../src/deadletter/letter.ts";
import type { StoredEntry } from "../../src/deadletter/queue_store.ts";
import { openStore, startTestValkey } from "../support/valkey.ts";
import { chainEvent } from "./append_chains.ts";
import { check, damagedStore } from "./damaged_store.ts";

const NOW = "2026-05-13T21:24:03.000000Z";
const OWNER = "one";
const started = await startTestValkey();
const skip = typeof started === "string" ? started : false;
const valkey = typeof started === "string" ? undefined : started;
after(() => valkey?.stop());
beforeEach(async () => {
  await valkey?.admin.flushall();
});

const entry = (...positions: number[]) =>
  encodeEntry(
    positions.map((position) => chainEvent(1, position)),
    NOW,
    "away",
  );

/** A store with the chain rr-1 of four events, and a queue with the next ones in `events` and one in `notifications`. */
async function queuedStore(context: Parameters<typeof damagedStore>[0]) {
  const { url, admin } = valkey as NonNullable<typeof valkey>;
  const store = await damagedStore(context, 1, 4);
  const queue = openStore(url);
  context.after(() => queue.close());
  await queue.reaches("ready");
  await queue.store.add([
    { stream: "events", fields: entry(5, 6) },
    { stream: "notifications", fields: entry(7) },
    { stream: "events", fields: entry(8) },
  ]);
  const run = (options: Parameters<typeof check>[1] = {}) => check(store.database.url, { valkeyUrl: url, ...options });
  return { ...store, admin, queue: queue.store, run };
}

const notesOf = ({ notes }: { notes: readonly { text: string }[] }) => notes.map(({ text }) => text);

test("a queue with nothing wrong, with tries and dead letters", { skip }, async (context) => {
  const { queue, run } = await queuedStore(context);
  assert.ok(await queue.takeLease(OWNER, 60_000));
  const { entries } = await queue.read(OWNER, "events", 10);
  const [first, second] = entries as [StoredEntry, StoredEntry];
  const facts = { tries: 5, firstFailed: NOW, lastError: "22P02", deadLettered: NOW };
  await queue.noteTries(OWNER, first, { tries: 1, firstFailed: NOW, lastError: "22P02" });
  const letter = toLetter(chainEvent(1, 8), { ...facts, reason: "refused", entry: second });
  const stored = toLetter(chainEvent(1, 1), { ...facts, reason: "conflict", entry: second });
  assert.equal(await queue.bury(OWNER, second, [letter, stored]), "buried");
  const [notification] = (await queue.read(OWNER, "notifications", 10)).entries as [StoredEntry];
  await queue.bury(OWNER, notification, [undecodableLetter({ ...facts, entry: notification })]);
  await queue.add([{ stream: "events", fields: entry(3, 4, 9) }]);
  await queue.add([{ stream: "events", fields: encodeEntry([chainEvent(1, 2, { actor_id: "x" })], NOW, "away") }]);

  const clean = await run();
  assert.deepEqual(clean.lines, []);
  assert.equal(clean.checks.find(({ check }) => check === "queue")?.checked, 6);
  assert.deepEqual(notesOf(clean), [
    "3 events of the queue are not stored yet",
    "2 events of the queue are stored already, and will be found to be duplicates",
    "1 events of the queue have the id of a stored one and other content",
    "1 dead letters are not stored",
    "1 dead letters are stored with the same content, and can be discarded",
    "1 dead letters hold what could not be read",
  ]);
});

test("no queue yet is no fault", { skip }, async (context) => {
  const store = await damagedStore(context, 1, 1);
  const clean = await check(store.database.url, { valkeyUrl: valkey?.url });
  assert.deepEqual(clean.lines, []);
  assert.deepEqual(notesOf(clean), ["there is no queue yet"]);
});

test("a queue that was emptied, or is another than the database remembers", { skip }, async (context) => {
  const { admin, damage, run, queue } = await queuedStore(context);
  const epoch = queue.epoch as string;
  await damage(`SELECT take_audit_queue('${epoch}')`);
  assert.deepEqual((await run()).lines, []);
  await damage("SELECT take_audit_queue('another')");
  assert.deepEqual((await run()).lines, [
    `queue: the queue in Valkey is not the one that the database last took events from; ${META_KEY}; expected epoch another, found epoch ${epoch}`,
  ]);
  await admin.del(META_KEY, SIZES_KEY, ...Object.values(QUEUE_KEYS));
  assert.deepEqual((await run()).lines, [
    `queue: Valkey holds no queue, and should: it was emptied; ${META_KEY}; expected epoch another, found none`,
  ]);
});

test("entries that cannot be read", { skip }, async (context) => {
  const { admin, run } = await queuedStore(context);
  const good = entry(9);
  const changed = { ...good, payload: (good["payload"] as string).replace("rr-1", "rr-2") };
  await put(admin, "events", "4-0", changed);
  await put(admin, "events", "5-0", { ...good, version: "2" });
  await put(admin, "notifications", "6-0", { type: "audit_event", version: "1" });
  await admin.hset(META_KEY, "sequence", 6);
  assert.deepEqual((await run()).lines, [
    `queue: an entry of the queue cannot be read; ${QUEUE_KEYS.events} 4-0; found its payload does not match its digest`,
    `queue: an entry of the queue cannot be read; ${QUEUE_KEYS.events} 5-0; found its version is "2" and not 1`,
    `queue: an entry of the queue cannot be read; ${QUEUE_KEYS.notifications} 6-0; found it has no payload`,
  ]);
});

test("entries with a number that is not theirs, and with another size", { skip }, async (context) => {
  const { admin, run } = await queuedStore(context);
  const third = await sum(admin, "3");
  const bytes = await put(admin, "notifications", "3-0", entry(5, 6, 7));
  await put(admin, "notifications", "3-1", entry(5));
  await put(admin, "notifications", "9-0", entry(5, 6, 7));
  await admin.hset(SIZES_KEY, { 3: third, 9: 1 });
  const size = "queue: an entry has another size than is noted";
  assert.deepEqual((await run()).lines, [
    `queue: two entries have one number; ${QUEUE_KEYS.notifications} 3-0; found also in ${QUEUE_KEYS.events}`,
    `${size}; ${QUEUE_KEYS.notifications} 3-0; expected ${bytes} bytes, found ${third} bytes`,
    `queue: an entry has an id that the queue does not give; ${QUEUE_KEYS.notifications} 3-1`,
    `queue: an entry is newer than the queue's counter; ${QUEUE_KEYS.notifications} 9-0; expected 9 or more, found 3`,
    `${size}; ${QUEUE_KEYS.notifications} 9-0; expected ${bytes} bytes, found 1 bytes`,
  ]);
});

type Admin = NonNullable<typeof valkey>["admin"];

/** Puts an entry into a stream past the queue, and counts it; gives its bytes. */
async function put(admin: Admin, stream: StreamName, id: string, fields: Record<string, string>): Promise<number> {
  const bytes = bytesOf(fields);
  await admin.xadd(QUEUE_KEYS[stream], id, ...Object.entries(fields).flat());
  await admin.hincrby(META_KEY, `bytes:${stream}`, bytes);
  await admin.hset(SIZES_KEY, id.split("-")[0] as string, bytes);
  return bytes;
}

/** What the sizes of these entries add up to. */
async function sum(admin: Admin, ...sequences: string[]): Promise<number> {
  return (await admin.hmget(SIZES_KEY, ...sequences)).reduce((total, size) => total + Number(size), 0);
}

test("counts, tries, sizes and consumers without what they are about", { skip }, async (context) => {
  const { admin, queue, run } = await queuedStore(context);
  assert.ok(await queue.takeLease(OWNER, 60_000));
  await queue.read(OWNER, "events", 10);
  const before = Number(await admin.hget(META_KEY, "bytes:events"));
  await admin.xdel(QUEUE_KEYS.events, "1-0");
  await admin.hset(TRIES_KEY, "77", "{}");
  await admin.hset(META_KEY, "dead_bytes:events", 12);
  const kept = await sum(admin, "3");
  assert.deepEqual((await run()).lines, [
    `queue: a consumer holds an entry that is not there; ${QUEUE_KEYS.events} 1-0; found consumer ${await consumer(admin)}`,
    `queue: tries are noted for an entry that is not there; ${TRIES_KEY} 77`,
    `queue: a size is noted for an entry that is not there; ${SIZES_KEY} 1`,
    `queue: a stream's count of bytes is not what its entries add up to; ${QUEUE_KEYS.events}; expected ${kept} bytes, found ${before} bytes`,
    `queue: a stream's count of bytes is not what its entries add up to; ${DEAD_LETTER_KEYS.events}; expected 0 bytes, found 12 bytes`,
  ]);
});

async function consumer(admin: Admin): Promise<string> {
  const [facts] = (await admin.call("XINFO", "CONSUMERS", QUEUE_KEYS.events, GROUP)) as string[][];
  return facts?.[facts.indexOf("name") + 1] ?? "";
}

test("a stream without its group, and dead letters that cannot be read", { skip }, async (context) => {
  const { admin, run } = await queuedStore(context);
  await admin.xgroup("DESTROY", QUEUE_KEYS.notifications, GROUP);
  await admin.xadd(DEAD_LETTER_KEYS.notifications, "4-0", "reason", "refused");
  await admin.hset(META_KEY, "sequence", 4, "dead_bytes:notifications", "reasonrefused".length);
  assert.deepEqual((await run()).lines, [
    `queue: a stream has no consumer group; ${QUEUE_KEYS.notifications}`,
    `queue: a dead letter cannot be read; ${DEAD_LETTER_KEYS.notifications} 4-0`,
  ]);
});

test("a queue in use raises no false alarm", { skip }, async (context) => {
  const { queue, run } = await queuedStore(context);
  assert.ok(await queue.takeLease(OWNER, 60_000));
  let turns = 0;
  let stopped = false;
  const use = (async () => {
    while (!stopped) {
      await queue.add(Array.from({ length: 20 }, () => ({ stream: "events", fields: entry(9) }) as const));
      const { entries } = await queue.read(OWNER, "events", 20);
      for (const one of entries) await queue.noteTries(OWNER, one, { tries: 1, firstFailed: NOW, lastError: "x" });
      await queue.settle(OWNER, entries);
      turns++;
    }
  })();
  const found = [];
  for (let time = 0; time < 10; time++) found.push(...(await run()).lines);
  stopped = true;
  await use;
  assert.deepEqual(found, []);
  assert.ok(turns > 2, "it was in use");
});

test("a Valkey that is not there is said to be it", async (context) => {
  const store = await damagedStore(context, 1, 1);
  await assert.rejects(check(store.database.url, { valkeyUrl: "redis://127.0.0.1:1" }), {
    name: "Fault",
    message: /^the queue in Valkey cannot be read: .*ECONNREFUSED/,
  });
});
