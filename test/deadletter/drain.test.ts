// The consumer of the queue over a real Valkey and a real PostgreSQL: what it stores, in which order, and what becomes of
// what can never be stored.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Submission } from "../../src/audit/event.ts";
import { accept, openSite, refuse } from "../support/drain_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";

const of = (correlation_id: string, fields: Partial<Submission> = {}) => preparedEvent({ correlation_id, ...fields });
const ids = (events: readonly { eventId: string }[]) => events.map(({ eventId }) => eventId);
const notification = { event_type: "notification.message.sent" } as const;

test("what waits in both streams is stored in the order of the queue, and leaves it", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const events = Array.from({ length: 60 }, (_, index) => of(`rr-${index % 3}`, index % 4 === 0 ? notification : {}));
  const places = await site.queue(...events.map((event) => [event]));
  const { until, settled, told, open } = await site.drain();
  await until(() => settled.length === places.length);
  for (const correlation of ["rr-0", "rr-1", "rr-2"]) {
    const expected = ids(events.filter(({ correlationId }) => correlationId === correlation));
    assert.deepEqual(await site.stored(correlation), expected);
  }
  const { depth, pending } = await open.store.status();
  assert.deepEqual([depth.events.entries, depth.notifications.entries], [0, 0]);
  assert.ok(Object.values(pending).every((consumers) => consumers.every((one) => one.pending === 0)));
  assert.deepEqual(told, ["breaker closed"]);
});

test("what is queued while it waits is stored at once when it is woken", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, drainer, open } = await site.drain();
  await site.queue([of("rr-1")]);
  await until(() => settled.length === 1);
  assert.equal(drainer.status().draining, true);
  assert.equal(await open.store.leaseHolder(), open.store.consumer);
  await site.queue([of("rr-1")]);
  drainer.wake();
  await until(() => settled.length === 2);
});

test("an event that the database refuses becomes one dead letter; those beside it are stored", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  await refuse(site.admin, "poison");
  const good = Array.from({ length: 99 }, (_, index) => of(`rr-${index % 10}`));
  const poison = of("rr-3", { error_code: "poison" });
  const later = Array.from({ length: 50 }, (_, index) => of(`rr-${index}`));
  const events = [...good.slice(0, 50), poison, ...good.slice(50)];
  const places = await site.queue(events, ...later.map((event) => [event]));
  const begun = Date.now();
  const { until, settled, told } = await site.drain();

  await until(() => settled.length === 40);
  assert.deepEqual(
    settled.map(({ sequence }) => sequence),
    places.slice(11).map(({ sequence }) => sequence),
    "other correlations do not wait",
  );
  assert.deepEqual(await site.stored("rr-3"), []);
  await until(() => settled.length === places.length);
  for (let index = 0; index < 50; index++) {
    const all = [...good, ...later].filter(({ correlationId }) => correlationId === `rr-${index}`);
    assert.deepEqual(await site.stored(`rr-${index}`), ids(all), "its own correlations wait, and come in order");
  }

  const [letter, ...more] = await site.letters("events");
  assert.deepEqual(more, []);
  assert.equal(letter?.reason, "refused");
  assert.equal(letter?.tries, 3);
  assert.equal(letter?.eventId, poison.eventId);
  assert.equal(letter?.entry, `${places[0]?.sequence}-0`);
  assert.equal(letter?.queued, "2026-05-13T21:24:05.000Z");
  assert.deepEqual(letter?.event, poison);
  assert.match(letter?.lastError ?? "", /SQLSTATE 23514/);
  assert.ok(Date.parse(letter?.firstFailed ?? "") >= begun);
  assert.ok(Date.parse(letter?.deadLettered ?? "") > Date.parse(letter?.firstFailed ?? ""));
  assert.deepEqual(told, [
    "breaker closed",
    "retried events",
    "retried events",
    "retried events",
    "dead events refused 1",
  ]);
});

test("an entry whose cause of failure goes away before its last try is stored whole", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  await refuse(site.admin, "soon");
  const events = [of("rr-1"), of("rr-1", { error_code: "soon" }), of("rr-1")];
  await site.queue(events);
  const { until, settled, told } = await site.drain({ tries: 100 });
  await until(() => told.includes("retried events"));
  await accept(site.admin, "soon");
  await until(() => settled.length === 1);
  assert.deepEqual(await site.stored("rr-1"), ids(events));
  assert.deepEqual(await site.letters("events"), []);
});

test("many poisoned entries among many are each found, and nothing else is held up for good", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  await refuse(site.admin, "poison");
  const isPoison = (index: number) => index % 17 === 5;
  const events = Array.from({ length: 200 }, (_, index) =>
    of(`rr-${index % 40}`, { ...(index % 3 === 0 && notification), ...(isPoison(index) && { error_code: "poison" }) }),
  );
  const places = await site.queue(...events.map((event) => [event]));
  const { until, settled } = await site.drain({ tries: 2, retryWaitMs: 10 });
  await until(() => settled.length === places.length);
  const poisoned = events.filter((_, index) => isPoison(index));
  const letters = [...(await site.letters("events")), ...(await site.letters("notifications"))];
  assert.deepEqual(ids(letters).sort(), ids(poisoned).sort());
  assert.ok(letters.every(({ tries }) => tries === 2));
  for (let rr = 0; rr < 40; rr++) {
    const good = events.filter((one, index) => one.correlationId === `rr-${rr}` && !isPoison(index));
    assert.deepEqual(await site.stored(`rr-${rr}`), ids(good));
  }
});

test("an id that is recorded with other content is a dead letter at once; a repeat is none", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const first = of("rr-1");
  const other = of("rr-1", { event_id: first.eventId, event_outcome: "failure" });
  const last = of("rr-1");
  // An id twice in one entry, too: which of the two came first is for the stored one to tell.
  await site.queue([first], [first, other, last]);
  const { until, settled, told } = await site.drain();
  await until(() => settled.length === 2);
  assert.deepEqual(await site.stored("rr-1"), ids([first, last]));
  const [letter, ...more] = await site.letters("events");
  assert.deepEqual(more, []);
  assert.deepEqual([letter?.reason, letter?.tries, letter?.event], ["conflict", 1, other]);
  assert.deepEqual(told, ["breaker closed", "dead events conflict 1"]);
});

test("an entry that cannot be read becomes one dead letter, byte for byte as it was", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const store = await site.openStore();
  const fields = { type: "audit_event", version: "7", payload: "\x00\u{1F600}", other: "" };
  const [sequence] = await store.store.add([{ stream: "notifications", fields }]);
  await site.queue([of("rr-1")]);
  const { until, settled, told } = await site.drain();
  await until(() => settled.length === 2);
  assert.deepEqual(told, ["breaker closed", "dead notifications undecodable 1"]);
  const [letter] = await site.letters("notifications");
  assert.deepEqual([letter?.reason, letter?.tries, letter?.entry], ["undecodable", 1, `${sequence}-0`]);
  assert.match(letter?.lastError ?? "", /version/);
  const [[, list]] = (await site.valkey.admin.xrange("audit:dead-letter:notifications", "-", "+")) as [
    [string, string[]],
  ];
  assert.deepEqual(list.slice(0, 8), Object.entries(fields).flat());
  assert.equal(await site.count(), 1);
});
