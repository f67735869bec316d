import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { encodeEntry } from "../../src/deadletter/entry.ts";
import {
  DEAD_LETTER_KEYS,
  GROUP,
  LEASE_KEY,
  META_KEY,
  QUEUE_KEYS,
  SIZES_KEY,
  TRIES_KEY,
} from "../../src/deadletter/keys.ts";
import { readLetter, toLetter, undecodableLetter } from "../../src/deadletter/letter.ts";
import { Fenced, type Lost, type QueueStore, type StoredEntry } from "../../src/deadletter/queue_store.ts";
import { Fault } from "../../src/fault.ts";
import { preparedEvent } from "../support/prepared_event.ts";
import { type OpenStore, openStore, ROOMY, startTestValkey, type TestValkey } from "../support/valkey.ts";

const WHEN = "2026-05-13T21:24:03.000Z";
const started = await startTestValkey();
const skip = typeof started === "string" ? started : false;

function entry(stream: "events" | "notifications" = "events", text = "") {
  return { stream, fields: encodeEntry([preparedEvent({ event_data: `{"text":"${text}"}` })], WHEN, "SQLSTATE 57P01") };
}

function isFault(kind: Fault["kind"], reason: string) {
  return (error: unknown) => error instanceof Fault && error.kind === kind && error.details.reason === reason;
}

function factsOf(stored: StoredEntry) {
  return { tries: 5, firstFailed: WHEN, lastError: "SQLSTATE 22003", deadLettered: WHEN, entry: stored };
}

describe("the queue in Valkey", { skip }, () => {
  const server = started as TestValkey;
  const opened: OpenStore[] = [];
  const open = async (options: Parameters<typeof openStore>[1] = {}) => {
    const one = openStore(server.url, options);
    opened.push(one);
    await one.reaches("ready");
    return one;
  };
  const readAll = async (store: QueueStore, owner = "me") => {
    assert.ok(await store.takeLease(owner, 60_000));
    return (await store.read(owner, "events", 100)).entries;
  };
  beforeEach(() => server.admin.flushall());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  after(() => server.stop());

  test("counts the entries of both streams, and of every process, in one sequence", async () => {
    const [{ store: one }, { store: two }] = [await open(), await open()];
    assert.deepEqual(await one.add([entry("events"), entry("notifications")]), [1, 2]);
    assert.deepEqual(await two.add([entry("events")]), [3]);
    assert.equal(one.epoch, two.epoch);
    const together = await Promise.all([one, two, one, two].map((store) => store.add([entry(), entry()])));
    assert.deepEqual(
      together.flat().sort((a, b) => a - b),
      [4, 5, 6, 7, 8, 9, 10, 11],
    );
    const ids = (await server.admin.xrange(QUEUE_KEYS.notifications, "-", "+")).map(([id]) => id);
    assert.deepEqual(ids, ["2-0"]);
  });

  test("takes no more entries than it may hold, all of an add or none, and trims nothing", async () => {
    const { store } = await open({ limits: { ...ROOMY, entries: 3 } });
    await store.add([entry(), entry()]);
    await assert.rejects(store.add([entry(), entry()]), isFault("exhausted", "QUEUE_FULL"));
    await store.add([entry(), entry("notifications")]);
    await assert.rejects(store.add([entry()]), { kind: "exhausted" });
    assert.equal(await server.admin.xlen(QUEUE_KEYS.events), 3);
    await store.settle("me", (await readAll(store)).slice(0, 1));
    await store.add([entry()]);
    assert.equal(await server.admin.xlen(QUEUE_KEYS.events), 3);
  });

  test("takes no more bytes than it may hold, over both streams", async () => {
    const { store } = await open({ limits: { ...ROOMY, bytes: 10_000 } });
    await store.add([entry("events", "x".repeat(4000))]);
    await assert.rejects(store.add([entry("notifications", "x".repeat(6000))]), { kind: "exhausted" });
    await store.add([entry("notifications", "x".repeat(2000))]);
    assert.equal(await server.admin.xlen(QUEUE_KEYS.events), 1);
    const { depth } = await store.status();
    assert.ok(depth.events.bytes > 4000 && depth.notifications.bytes > 2000);
  });

  test("keeps what it answered for when Valkey is killed", async () => {
    const { store, valkey, reaches } = await open();
    const [sequence = 0] = await store.add([entry()]);
    await server.kill();
    await assert.rejects(store.add([entry()]), { kind: "unavailable" });
    await reaches("away");
    assert.ok(valkey.reason);
    await server.restart();
    await reaches("ready");
    assert.deepEqual(await store.present([{ stream: "events", sequence }]), [true]);
    assert.deepEqual(await store.add([entry()]), [2]);
  });

  test("does not answer for what is not told to be on disk, and then proves durability anew", async () => {
    const { store, reaches } = await open();
    await server.admin.config("SET", "appendfsync", "no");
    try {
      await assert.rejects(store.add([entry()]), isFault("unavailable", "VALKEY_UNAVAILABLE"));
      await reaches("not_durable");
    } finally {
      await server.admin.config("SET", "appendfsync", "always");
    }
    await reaches("ready");
  });

  test("only the holder of the lease drains", async () => {
    const { store } = await open();
    await store.add([entry()]);
    const [stored] = await readAll(store, "first");
    assert.ok(stored);
    assert.equal(await store.takeLease("second", 60_000), false);
    assert.equal(await store.renewLease("second", 60_000), false);
    await store.releaseLease("second");
    assert.equal(await store.leaseHolder(), "first");
    const fencedOut = [
      () => store.read("second", "events", 1),
      () => store.claim("second", "events", 0, 1),
      () => store.settle("second", [stored]),
      () => store.noteTries("second", stored, { tries: 1, firstFailed: WHEN, lastError: "" }),
      () => store.bury("second", stored, [toLetter(preparedEvent(), { reason: "refused", ...factsOf(stored) })]),
    ];
    for (const act of fencedOut) await assert.rejects(act, Fenced);
    await server.admin.del(LEASE_KEY); // as when its time has passed
    for (const act of fencedOut) await assert.rejects(act, Fenced);
    assert.equal(await store.renewLease("first", 60_000), false);
    assert.equal(await server.admin.xlen(QUEUE_KEYS.events), 1);
    assert.ok(await store.takeLease("second", 60_000));
    await store.settle("second", [stored]);
    await store.releaseLease("second");
    assert.equal(await store.leaseHolder(), undefined);
  });

  test("what a dead process has read is claimed by the next, lowest first, with its tries", async () => {
    const [{ store: dead }, { store: next }] = [await open(), await open()];
    await dead.add(Array.from({ length: 5 }, () => entry()));
    const read = await readAll(dead, "dead");
    const tries = { tries: 2, firstFailed: WHEN, lastError: "SQLSTATE 57P01" };
    await dead.noteTries("dead", read[1] as StoredEntry, tries);
    await server.admin.xdel(QUEUE_KEYS.events, "1-0");
    await dead.releaseLease("dead");
    assert.ok(await next.takeLease("next", 60_000));
    assert.deepEqual((await next.read("next", "events", 10)).entries, []);
    const first = await next.claim("next", "events", 0, 3);
    assert.deepEqual(
      first.entries.map(({ sequence }) => sequence),
      [2, 3, 4].slice(0, first.entries.length),
    );
    assert.ok(first.more);
    assert.deepEqual(first.entries[0]?.tries, tries);
    assert.deepEqual(first.entries[0]?.fields, read[1]?.fields);
    const rest = await next.claim("next", "events", first.entries.at(-1)?.sequence ?? 0, 10);
    assert.equal(rest.entries.at(-1)?.sequence, 5);
    assert.equal(rest.more, false);
    const { pending } = await next.status();
    assert.deepEqual(
      pending.events.filter((one) => one.pending > 0).map(({ consumer, pending }) => ({ consumer, pending })),
      [{ consumer: next.consumer, pending: 4 }],
    );
  });

  test("a settled entry leaves nothing behind, however often it is settled", async () => {
    const { store } = await open();
    await store.add([entry(), entry()]);
    const read = await readAll(store);
    assert.equal((await store.read("me", "events", 1)).seen, 2);
    await store.noteTries("me", read[0] as StoredEntry, { tries: 1, firstFailed: WHEN, lastError: "" });
    await store.settle("me", read.slice(0, 1));
    await store.settle("me", read.slice(0, 1));
    assert.deepEqual(await store.present(read), [false, true]);
    assert.equal(await store.reread(read[0] as StoredEntry), undefined);
    assert.deepEqual((await store.reread(read[1] as StoredEntry))?.fields, read[1]?.fields);
    assert.equal((await store.status()).depth.events.bytes, read[1]?.bytes);
    await store.settle("me", read);
    assert.equal(await server.admin.exists(TRIES_KEY, SIZES_KEY), 0);
    assert.equal(await server.admin.hget(META_KEY, "bytes:events"), "0");
    await store.noteTries("me", read[0] as StoredEntry, { tries: 2, firstFailed: WHEN, lastError: "" });
    assert.equal(await server.admin.exists(TRIES_KEY), 0, "tries of an entry that is gone are not noted");
  });

  test("an entry becomes dead letters once, on disk, and in one step with its removal", async () => {
    const { store, reaches } = await open();
    const events = [preparedEvent({ correlation_id: "rr-7" }), preparedEvent()];
    await store.add([{ stream: "events", fields: encodeEntry(events, WHEN, "SQLSTATE 57P01") }]);
    const [stored] = (await readAll(store)) as [StoredEntry];
    const letters = events.map((event) => toLetter(event, { reason: "refused", ...factsOf(stored) }));
    assert.equal(await store.bury("me", stored, letters), "buried");
    assert.equal(await store.bury("me", stored, letters), "buried");
    await server.kill();
    await reaches("away");
    await server.restart();
    await reaches("ready");
    const kept = await server.admin.xrange(DEAD_LETTER_KEYS.events, "-", "+");
    assert.deepEqual(
      kept.map(([id]) => id),
      ["2-0", "3-0"],
    );
    const fields = kept[0]?.[1] ?? [];
    const letter = readLetter(
      Object.fromEntries(fields.map((one, at) => [one, fields[at + 1] ?? ""]).filter((_, at) => at % 2 === 0)),
    );
    assert.deepEqual(letter, {
      reason: "refused",
      tries: 5,
      lastError: "SQLSTATE 22003",
      queued: WHEN,
      firstFailed: WHEN,
      deadLettered: WHEN,
      eventId: events[0]?.eventId,
      correlationId: "rr-7",
      entry: "1-0",
      event: events[0],
    });
    const { depth, pending } = await store.status();
    assert.equal(depth.events.entries, 0);
    assert.equal(depth.events.letters, 2);
    assert.equal(depth.events.letterBytes, Buffer.byteLength(kept.flatMap(([, all]) => all).join("")));
    assert.equal(
      pending.events.reduce((sum, one) => sum + one.pending, 0),
      0,
    );
  });

  for (const [what, limits] of [
    ["entries", { ...ROOMY, deadLetters: 1 }],
    ["bytes", { ...ROOMY, deadLetterBytes: 100 }],
  ] as const) {
    test(`an entry stays whole and pending when the dead letters are full by ${what}`, async () => {
      const { store } = await open({ limits });
      await store.add([entry()]);
      const [stored] = (await readAll(store)) as [StoredEntry];
      const letter = toLetter(preparedEvent(), { reason: "refused", ...factsOf(stored) });
      assert.equal(await store.bury("me", stored, [letter, letter]), "full");
      assert.equal(await server.admin.xlen(DEAD_LETTER_KEYS.events), 0);
      assert.deepEqual((await store.claim("me", "events", 0, 10)).entries, [stored]);
    });
  }

  test("what cannot be read becomes a dead letter byte for byte", async () => {
    const { store } = await open();
    const foreign = Buffer.from([0xff, 0x00, 0xfe, 0x41]);
    await store.add([entry()]);
    await server.admin.xadd(QUEUE_KEYS.events, "2-0", "payload", foreign, foreign, "x");
    const [, stored] = (await readAll(store)) as [StoredEntry, StoredEntry];
    assert.equal(await store.bury("me", stored, [undecodableLetter(factsOf(stored))]), "buried");
    const [kept] = await server.admin.xrangeBuffer(DEAD_LETTER_KEYS.events, "-", "+");
    const texts = (kept?.[1] ?? []) as Buffer[];
    assert.deepEqual(texts.slice(0, 4), [Buffer.from("payload"), foreign, foreign, Buffer.from("x")]);
    assert.equal(texts[texts.findIndex((one) => one.equals(Buffer.from("reason"))) + 1]?.toString(), "undecodable");
  });

  for (const [when, wipe] of [
    ["it is connected", () => server.admin.flushall()],
    [
      "it is away",
      async () => {
        await server.kill();
        await server.wipe();
        await server.restart();
      },
    ],
    [
      "it came back with an earlier state",
      async () => {
        await server.admin.del(...Object.values(QUEUE_KEYS), SIZES_KEY);
        await server.admin.hset(META_KEY, "sequence", "0");
        await server.admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      },
    ],
  ] as const) {
    test(`a wiped Valkey is told loudly when ${when}, and then takes events again`, async () => {
      const losses: Lost[] = [];
      const { store, lines, reaches } = await open({ onWiped: (lost) => losses.push(lost) });
      store.setDepositor({ waiting: () => ({ entries: 2, events: 7 }), wiped: () => {} });
      const [last = 0] = (await store.add([entry(), entry()])).slice(-1);
      const before = store.epoch;
      const told = reaches("away").then(() => reaches("ready"));
      await wipe();
      await store.add([entry()]).catch((error) => assert.equal(error.kind, "unavailable"));
      await told;
      assert.notEqual(store.epoch, before);
      assert.deepEqual(losses, [{ entries: 2, events: 7 }]);
      const line = lines.find(({ message }) => message.startsWith("VALKEY WAS WIPED: 7 events in 2 entries"));
      assert.equal(line?.level, "error");
      const [sequence = 0] = await store.add([entry()]);
      assert.ok(when !== "it came back with an earlier state" || sequence > last, "no number is given twice");
      assert.ok(store.takes);
    });
  }

  test("a consumer group that is gone is made again, loudly, and everything is read anew", async () => {
    const { store, lines, reaches } = await open();
    await store.add([entry()]);
    await readAll(store);
    await server.admin.xgroup("DESTROY", QUEUE_KEYS.events, GROUP);
    const back = reaches("away").then(() => reaches("ready"));
    await assert.rejects(store.read("me", "events", 1), { kind: "unavailable" });
    await back;
    assert.ok(lines.some(({ level, message }) => level === "error" && /GROUP WAS GONE/.test(message)));
    assert.equal((await store.read("me", "events", 10)).entries.length, 1);
  });

  test("a server without memory takes no more, and is drained all the same", async () => {
    const { store, valkey, reaches } = await open();
    await store.add([entry(), entry()]);
    await server.admin.config("SET", "maxmemory", "1");
    try {
      await assert.rejects(store.add([entry()]), isFault("exhausted", "QUEUE_FULL"));
      const again = reaches("away").then(() => reaches("ready"));
      valkey.restart("to see that it can begin anew");
      await again;
      const [one, two] = (await readAll(store)) as [StoredEntry, StoredEntry];
      await store.noteTries("me", one, { tries: 1, firstFailed: WHEN, lastError: "" });
      assert.equal(
        await store.bury("me", one, [toLetter(preparedEvent(), { reason: "refused", ...factsOf(one) })]),
        "buried",
      );
      await store.settle("me", [two]);
    } finally {
      await server.admin.config("SET", "maxmemory", "0");
    }
    assert.equal(await server.admin.xlen(QUEUE_KEYS.events), 0);
  });

  test("scripts that the server forgot are sent again", async () => {
    const { store } = await open();
    await store.add([entry()]);
    await server.admin.script("FLUSH");
    assert.deepEqual(await store.add([entry()]), [2]);
  });
});
