// What is no entry's own failure: outages of either store, a schema that is wrong, and dead letters without room.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueAppender } from "../../src/audit/append/queue_appender.ts";
import type { Submission } from "../../src/audit/event.ts";
import { encodeEntry } from "../../src/deadletter/entry.ts";
import { accept, openSite, refuse } from "../support/drain_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";

const of = (correlation_id: string, fields: Partial<Submission> = {}) => preparedEvent({ correlation_id, ...fields });
const ids = (events: readonly { eventId: string }[]) => events.map(({ eventId }) => eventId);
const notification = { event_type: "notification.message.sent" } as const;

test("an outage of the database opens the breaker, and counts against no entry", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, told, drainer } = await site.drain({ tries: 1 });
  await site.queue([of("rr-1")]);
  await until(() => settled.length === 1);
  site.proxy.onConnect = "close";
  site.proxy.reset();
  const events = [of("rr-1"), of("rr-1"), of("rr-2")];
  await site.queue(...events.map((event) => [event]));
  await until(() => told.filter((what) => what === "breaker open").length >= 3);
  assert.equal(settled.length, 1);
  assert.equal(drainer.status().waiting, 0);
  assert.notEqual(drainer.breaker, "closed");

  site.proxy.onConnect = "pass";
  await until(() => settled.length === 4);
  assert.equal(drainer.breaker, "closed");
  assert.deepEqual((await site.stored("rr-1")).slice(1), ids(events.slice(0, 2)));
  assert.deepEqual(await site.letters("events"), []);
  assert.deepEqual(
    told.filter((what) => !what.startsWith("breaker")),
    [],
  );
});

test("after an outage one entry goes first, and appends grow from there", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const real = site.appender();
  const sizes: number[] = [];
  // As a database that is too slow for large appends: each ends by its timeout.
  const slow: QueueAppender = Object.create(real, {
    append: {
      value: async (...[fence, events, ...rest]: Parameters<QueueAppender["append"]>) => {
        sizes.push(events.length);
        if (events.length > 10) return { end: "away", cause: new Error("statement timeout") };
        return real.append(fence, events, ...rest);
      },
    },
  });
  await site.queue(...Array.from({ length: 40 }, () => [of("rr-1")]));
  const { until, settled } = await site.drain({ appender: slow });
  await until(() => settled.length === 40);
  const failed = sizes.findIndex((size) => size > 10);
  assert.deepEqual(sizes.slice(failed + 1, failed + 5), [1, 2, 4, 8]);
  assert.equal(await site.count(), 40);
});

test("an append whose answer is lost is made again, and stores nothing twice", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled } = await site.drain();
  await site.queue([of("first")]);
  await until(() => settled.length === 1);
  site.proxy.judge = (chunk, direction) => {
    if (direction === "up" && chunk.includes("rr-lost")) {
      site.proxy.judge = (_, towards) => {
        if (towards === "up") return "pass";
        site.proxy.judge = () => "pass";
        return "cut";
      };
    }
    return "pass";
  };
  const events = [of("rr-lost"), of("rr-lost")];
  await site.queue(...events.map((event) => [event]));
  await until(() => settled.length === 3);
  assert.deepEqual(await site.stored("rr-lost"), ids(events));
});

test("a defect holds back what meets it, is told of, and is no try of anybody; the others go on", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  await site.admin.unsafe(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE 'broken' USING ERRCODE = 'undefined_function'; END$$;
    CREATE TRIGGER fails BEFORE INSERT ON audit_events FOR EACH ROW WHEN (new.error_code = 'defect') EXECUTE FUNCTION fail()`);
  const events = [of("rr-1", { error_code: "defect" }), of("rr-2"), of("rr-1"), of("rr-3")];
  await site.queue(...events.map((event) => [event]));
  const { until, settled, told, lines } = await site.drain({ tries: 1 });
  await until(() => settled.length === 2);
  assert.deepEqual(await site.stored("rr-1"), []);
  assert.equal(lines.filter(({ level, message }) => level === "error" && /operator/.test(message)).length, 1);
  await site.admin.unsafe("DROP TRIGGER fails ON audit_events");
  await until(() => settled.length === 4);
  assert.deepEqual(await site.stored("rr-1"), [events[0]?.eventId, events[2]?.eventId]);
  assert.deepEqual(told, ["breaker closed"]);
});

test("dead letters without room stop their stream alone, drop nothing, and go on when there is room", async (t) => {
  const site = await openSite(t, { deadLetters: 1 });
  if (site === undefined) return;
  await refuse(site.admin, "poison");
  const poison = (rr: string) => of(rr, { error_code: "poison" });
  const places = await site.queue(
    [poison("rr-1")],
    [poison("rr-2")],
    [of("rr-3")],
    [of("rr-4", notification)],
    [of("rr-3", notification)],
  );
  const { until, settled, told } = await site.drain({ tries: 1, retryWaitMs: 10 });
  await until(() => told.includes("full events true"));
  const left = await site.queue([of("rr-5")], [of("rr-6", notification)]);
  const gone = () => settled.map(({ sequence }) => sequence);
  await until(() => gone().includes(left[1]?.sequence ?? 0));
  assert.deepEqual(
    gone(),
    [places[0], places[3], left[1]].map((one) => one?.sequence),
    "what lies behind the stop waits, and what shares a correlation with it",
  );

  await site.valkey.admin.del("audit:dead-letter:events");
  await until(() => gone().length === 7);
  assert.equal(await site.count(), 5);
  assert.equal((await site.letters("events")).length, 1);
  assert.equal(told.at(-1), "full events false");
});

test("what stopped its stream and can be stored after all lets it go on", async (t) => {
  const site = await openSite(t, { deadLetters: 0 });
  if (site === undefined) return;
  await refuse(site.admin, "poison");
  await site.queue([of("rr-1", { error_code: "poison" })]);
  const { until, settled, told } = await site.drain({ tries: 1 });
  await until(() => told.includes("full events true"));
  await site.queue([of("rr-2")]);
  await accept(site.admin, "poison");
  await until(() => settled.length === 2);
  assert.equal(await site.count(), 2);
  assert.equal(told.at(-1), "full events false");
});

test("a Valkey that is killed and comes back is drained on, and nothing is stored twice", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, open } = await site.drain();
  await site.queue([of("rr-1")]);
  await until(() => settled.length === 1);
  site.proxy.onConnect = "close";
  site.proxy.reset();
  const events = [of("rr-1"), of("rr-1")];
  await site.queue(...events.map((event) => [event]));
  await site.valkey.kill();
  await site.valkey.restart();
  await open.reaches("ready");
  site.proxy.onConnect = "pass";
  await until(() => settled.length === 3);
  assert.deepEqual((await site.stored("rr-1")).slice(1), ids(events));
});

test("a Valkey that was wiped since it was drained last is told of loudly, and drained from its beginning", async (t) => {
  const site = await openSite(t);
  if (site === undefined) return;
  const { until, settled, told, lines } = await site.drain();
  await site.queue([of("rr-1")]);
  await until(() => settled.length === 1);
  await site.valkey.admin.flushall();
  await until(() => told.includes("replaced"));
  assert.ok(lines.some(({ level, message }) => level === "error" && /wiped or replaced/.test(message)));
  const other = await site.openStore();
  await other.store.add([{ stream: "events", fields: encodeEntry([of("rr-1")], "2026-05-13T21:24:05.000Z", "away") }]);
  await until(() => settled.length === 2);
});
