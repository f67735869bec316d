import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedEvent } from "../../test/support/prepared_event.ts";
import { Fault } from "../fault.ts";
import type { Outcome } from "./append/outcome.ts";
import { type RunAppend, Writer } from "./append/writer.ts";
import { EventOutbox } from "./event_outbox.ts";
import type { PreparedEvent } from "./prepare.ts";

const RECORDED: Outcome = { kind: "recorded", eventHash: "00", chainPosition: 1 };
const away = new Fault("unavailable", "away", { reason: "DATABASE_UNAVAILABLE", retryAfterMs: 1 });

/** An append under way, which the test ends as it likes. */
interface Append {
  readonly events: readonly PreparedEvent[];
  /** Settles the first events, or all, and ends. */
  settle(outcome?: Outcome, count?: number): void;
  fail(): void;
}

/** An outbox over the writer of the service, whose appends the test holds in its hand. */
function outbox(retryAfterMs = 1) {
  const appends: Append[] = [];
  const logged: { facts: object; message: string }[] = [];
  let wake = () => {};
  const run: RunAppend = (_, items, settle) =>
    new Promise((resolve, reject) => {
      appends.push({
        events: items.map(({ event }) => event),
        settle(outcome = RECORDED, count = items.length) {
          for (const item of items.slice(0, count)) settle(item, outcome);
          resolve();
        },
        fail: () => reject(new Fault("unavailable", "away", { reason: "DATABASE_UNAVAILABLE", retryAfterMs })),
      });
      wake();
    });
  const options = {
    lanes: 3,
    appendEvents: 1000,
    appendBytes: 1e9,
    lingerMs: 0,
    pendingEvents: 1e5,
    pendingBytes: 1e9,
  };
  const writer = new Writer(options, run);
  const log = { error: (facts: object, message: string) => void logged.push({ facts, message }) };
  const box = new EventOutbox({ writer, log: log as never });
  return {
    writer,
    box,
    logged,
    appends,
    add(...events: PreparedEvent[]) {
      box.reserve(events.length).fill(events);
      return events;
    },
    /** The append that begins next, or began and was not taken yet. */
    async next(): Promise<Append> {
      while (appends.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return appends.shift() as Append;
    },
  };
}

const ids = (events: readonly PreparedEvent[]) => events.map(({ eventId }) => eventId);

test("events are submitted in order, those that come meanwhile after them", async () => {
  const { add, next, box, appends } = outbox();
  const first = add(preparedEvent());
  const append = await next();
  const second = [...add(preparedEvent()), ...add(preparedEvent())];
  assert.deepEqual([ids(append.events), appends.length, box.waiting], [ids(first), 0, 3]);
  append.settle();
  const later = await next();
  assert.deepEqual([ids(later.events), box.waiting], [ids(second), 2]);
  later.settle({ kind: "queued" });
  await box.close(1000);
  assert.equal(box.waiting, 0);
});

test("what no store took is tried again, with its id, before what came after", async () => {
  const { add, next, box } = outbox();
  const first = add(preparedEvent(), preparedEvent());
  (await next()).fail();
  const second = add(preparedEvent());
  const again = await next();
  assert.deepEqual(ids(again.events), ids([...first, ...second]));
  again.settle();
  await box.close(1000);
});

test("only what is not settled is tried again", async () => {
  const { add, next, box } = outbox();
  const events = add(preparedEvent(), preparedEvent(), preparedEvent());
  (await next()).settle(RECORDED, 1);
  const again = await next();
  assert.deepEqual(ids(again.events), ids(events.slice(1)));
  again.settle();
  await box.close(1000);
});

test("events wait while neither store is there, and are stored when one is", async () => {
  const { add, next, box, writer } = outbox();
  writer.suspend(away);
  const events = add(preparedEvent());
  writer.recover();
  const append = await next();
  assert.deepEqual(ids(append.events), ids(events));
  append.settle();
  await box.close(1000);
});

test("an event that is refused for good is told, and holds up nothing", async () => {
  const { add, next, box, logged } = outbox();
  const [event] = add(preparedEvent());
  (await next()).settle({ kind: "conflict" });
  add(preparedEvent());
  (await next()).settle({ kind: "rejected", violations: [] });
  add(preparedEvent());
  (await next()).settle();
  await box.close(1000);
  assert.deepEqual(logged[0]?.facts, { event_id: event?.eventId, correlation_id: "rr-1", outcome: "conflict" });
  assert.equal(logged.length, 2);
  assert.equal(box.waiting, 0);
});

test("a call finds no room while too many events wait or may still come", async () => {
  const { add, box, next } = outbox();
  const places = Array.from({ length: 4999 }, () => box.reserve(2));
  add(preparedEvent(), preparedEvent());
  const refused = (error: unknown) =>
    error instanceof Fault && error.kind === "exhausted" && error.details.reason === "EVENTS_WAITING";
  assert.throws(() => box.reserve(1), refused);
  places[0]?.release();
  places[0]?.release();
  const place = box.reserve(1);
  assert.throws(() => box.reserve(2), refused);
  place.fill([]);
  place.release();
  box.reserve(2).release();
  (await next()).settle();
  await box.close(1000);
});

test("a call finds no room while the events that wait take too much memory", async () => {
  const { add, box, next } = outbox();
  const large = { event_data: JSON.stringify({ text: "x".repeat(250_000) }) };
  for (let count = 0; count < 268; count++) add(preparedEvent(large));
  assert.throws(() => box.reserve(1), /wait to be recorded/);
  // Some at a time: an append has a size that the writer takes beside others.
  for (let stored = 0; stored < 268; ) {
    const append = await next();
    assert.ok(append.events.length <= 4);
    stored += append.events.length;
    append.settle();
  }
  await box.close(1000);
  box.reserve(1).release();
});

test("closing tries at once what waits for its next try", async () => {
  const { add, next, box, logged } = outbox(3_600_000);
  add(preparedEvent());
  (await next()).fail();
  await new Promise(setImmediate);
  const closed = box.close(10_000);
  (await next()).settle();
  await closed;
  assert.deepEqual(logged, []);
});

test("closing waits no longer than it may, and tells how many events are lost", async () => {
  const { add, next, box, logged } = outbox(3_600_000);
  add(preparedEvent(), preparedEvent());
  (await next()).fail();
  await new Promise(setImmediate);
  const closed = box.close(20);
  (await next()).fail();
  await closed;
  assert.deepEqual(
    logged.map(({ facts }) => facts),
    [{ events: 2 }],
  );
});
