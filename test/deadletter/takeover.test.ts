// One process drains at a time: who goes on after it, and what one that was taken over can no longer do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GROUP, QUEUE_KEYS } from "../../src/deadletter/keys.ts";
import { Fenced } from "../../src/deadletter/queue_store.ts";
import { openSite } from "../support/drain_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";

const some = (count: number, correlation_id = "rr-1") =>
  Array.from({ length: count }, () => preparedEvent({ correlation_id }));
const ids = (events: readonly { eventId: string }[]) => events.map(({ eventId }) => eventId);

test("what a dead process had read is claimed and stored, before what is new", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const events = some(30).map((event, index) =>
    index % 3 === 0 ? preparedEvent({ correlation_id: "rr-1", event_type: "notification.message.sent" }) : event,
  );
  const places = await site.queue(...events.map((event) => [event]));
  const dead = await site.openStore();
  await dead.store.takeLease("dead", 60_000);
  await dead.store.read("dead", "events", 7);
  await dead.store.read("dead", "notifications", 4);
  // It had stored the first and died before it could say so.
  const appender = site.appender();
  const { fence } = await appender.takeFence(dead.store.epoch ?? "");
  await appender.append(fence, events.slice(0, 1), () => {}, { split: false });
  await dead.store.releaseLease("dead");
  await dead.close();

  const { until, settled, told } = await site.drain();
  await until(() => settled.length === places.length);
  assert.deepEqual(await site.stored("rr-1"), ids(events), "in order, and each once");
  assert.ok(told.includes("claimed events 7") && told.includes("claimed notifications 4"), told.join());
  for (const key of Object.values(QUEUE_KEYS)) {
    const consumers = (await site.valkey.admin.xinfo("CONSUMERS", key, GROUP)) as unknown[];
    assert.ok(consumers.length <= 1, "the dead one's name is forgotten");
  }
});

test("of two processes one drains; the other goes on when it is stopped", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const one = await site.drain();
  await site.queue(some(1));
  await one.until(() => one.settled.length === 1);
  const other = await site.drain();
  await site.queue(some(1));
  await one.until(() => one.settled.length === 2);
  assert.deepEqual([one.drainer.status().draining, other.drainer.status().draining], [true, false]);

  await one.drainer.stop();
  assert.equal(one.drainer.status().draining, false);
  await site.queue(some(1));
  await other.until(() => other.settled.length === 1);
  assert.equal(await site.count(), 3);
});

test("when a process is gone without a word, another goes on as soon as the lease has run out", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const gone = await site.openStore();
  await gone.store.takeLease("gone", 700);
  await site.queue(some(1));
  const { until, settled, drainer } = await site.drain();
  assert.equal(drainer.status().draining, false);
  await until(() => settled.length === 1);
});

test("a drainer whose lease was taken can neither append nor let go of entries", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const events = some(2);
  const [place] = await site.queue(...events.map((event) => [event]));
  const old = await site.openStore();
  await old.store.takeLease("old", 60_000);
  const appender = site.appender();
  const { fence } = await appender.takeFence(old.store.epoch ?? "");
  await old.store.read("old", "events", 1);
  await site.valkey.admin.del("audit:dlq:lease"); // It slept, and its lease ran out.

  const { until, settled } = await site.drain();
  await until(() => settled.length === 2);
  const end = await appender.append(fence, some(1), () => {}, { split: false });
  assert.equal(end.end, "fenced");
  const again = await site.queue(some(1, "rr-2"));
  const acts = [
    () => old.store.settle("old", again),
    () => old.store.bury("old", place as never, []),
    () => old.store.noteTries("old", place as never, { tries: 1, firstFailed: "", lastError: "" }),
    () => old.store.read("old", "events", 1),
    () => old.store.claim("old", "events", 0, 1),
  ];
  for (const act of acts) await assert.rejects(act(), Fenced);
  await until(() => settled.length === 3);
  assert.deepEqual(await site.stored("rr-1"), ids(events));
});

test("a drainer that is overtaken stops at once, and comes back when it is its turn again", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, drainer, lines } = await site.drain({ leaseTtlMs: 300 });
  await site.queue(some(1));
  await until(() => settled.length === 1);
  await site.valkey.admin.set("audit:dlq:lease", "another", "PX", 500);
  await site.queue(some(1));
  await until(() => settled.length === 2);
  assert.equal(drainer.status().draining, true);
  assert.ok(lines.some(({ level, message }) => level === "warn" && /drains the queue/.test(message)));
});

test("a database that another drainer has fenced ends the tenure, and the next one begins anew", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, open } = await site.drain();
  await site.queue(some(1));
  await until(() => settled.length === 1);
  await site.appender().takeFence(open.store.epoch ?? "");
  await site.queue(some(1));
  await until(() => settled.length === 2);
  assert.equal(await site.count(), 2);
});

test("a drainer that cannot reach the database for long leaves the queue to one that can", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  let available = true;
  const appender = Object.create(site.appender(), { available: { get: () => available } });
  const cut = await site.drain({ leaseTtlMs: 300, appender });
  await site.queue(some(1));
  await cut.until(() => cut.settled.length === 1);
  site.proxy.onConnect = "close";
  site.proxy.reset();
  available = false;
  const reaching = await site.drain({ appender: site.appender(site.directUrl) });
  await site.queue(some(1));
  await reaching.until(() => reaching.settled.length === 1);
  assert.equal(cut.drainer.status().draining, false);
});

test("it is stopped within its time although the database says nothing, and another may go on at once", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const stuck = await site.drain();
  await site.queue(some(1));
  await stuck.until(() => stuck.settled.length === 1);
  const events = some(3, "rr-stuck");
  const sent = new Promise<void>((resolve) => {
    site.proxy.judge = (chunk, direction) => {
      if (direction === "down" || !chunk.includes("rr-stuck")) return "pass";
      site.proxy.judge = () => "pass";
      resolve();
      return "swallow";
    };
  });
  await site.queue(events);
  await sent;
  await stuck.drainer.stop(50);
  assert.equal(await stuck.open.store.leaseHolder(), undefined);
  const next = await site.drain();
  await next.until(() => next.settled.length === 1);
  assert.deepEqual(await site.stored("rr-stuck"), ids(events));
  site.proxy.reset();
});
