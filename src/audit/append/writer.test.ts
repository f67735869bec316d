import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedEvent } from "../../../test/support/prepared_event.ts";
import { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";
import type { Outcome } from "./outcome.ts";
import { type Detour, type RunAppend, Writer, type WriterOptions } from "./writer.ts";

/** An append under way, which the test ends as it likes. */
interface Append {
  readonly lane: number;
  readonly events: readonly PreparedEvent[];
  /** Records every event, or those that are given, and ends. */
  record(events?: readonly PreparedEvent[], outcome?: Outcome): void;
  fail(fault: Fault): void;
}

const RECORDED: Outcome = { kind: "recorded", eventHash: "00", chainPosition: 1 };
const QUEUED: Outcome = { kind: "queued" };
const DETOUR = { state: "closed", wayOf: () => "database", mayTake: () => true, lingerMs: 1 } as const;
const away = new Fault("unavailable", "away", { reason: "DATABASE_UNAVAILABLE", retryAfterMs: 1 });

/** A detour of a test; `some` may have getters. */
function withDefaults(some: Partial<Detour>, run: Detour["run"]): Detour {
  return Object.defineProperties({ ...DETOUR, run }, Object.getOwnPropertyDescriptors(some)) as Detour;
}

/** A writer whose appends the test holds in its hand. */
function writer(options: Partial<WriterOptions> = {}, detour?: Partial<Detour>) {
  const appends: Append[] = [];
  const entries: Append[] = [];
  let wake = () => {};
  const held =
    (into: Append[]): RunAppend =>
    (lane, items, settle) =>
      new Promise((resolve, reject) => {
        const events = items.map(({ event }) => event);
        into.push({
          lane,
          events,
          record(some = events, outcome = RECORDED) {
            for (const item of items) if (some.includes(item.event)) settle(item, outcome);
            resolve();
          },
          fail: reject,
        });
        wake();
      });
  const defaults = {
    lanes: 3,
    appendEvents: 100,
    appendBytes: 1e9,
    lingerMs: 0,
    pendingEvents: 1000,
    pendingBytes: 1e9,
  };
  return {
    writer: new Writer(
      { ...defaults, ...options },
      held(appends),
      detour && withDefaults(detour, (items, settle) => held(entries)(-1, items, settle)),
    ),
    appends,
    /** What goes to the queue, and was not taken yet. */
    entries,
    /** The same as `next`, of the queue. */
    async nextEntry(): Promise<Append> {
      while (entries.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return entries.shift() as Append;
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

const events = (count: number, correlation_id = "rr-1") =>
  Array.from({ length: count }, () => preparedEvent({ correlation_id }));
const ids = (some: readonly PreparedEvent[]) => some.map(({ eventId }) => eventId);
/** Lets everything happen that needs no more than the turns of the event loop. */
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

test("events of one batch are appended together and answered in the order of the batch", async () => {
  const { writer: one, next } = writer();
  const batch = [...events(2, "rr-1"), ...events(2, "rr-2"), ...events(1, "rr-1")];
  const result = one.submit(one.open(), batch);
  const append = await next();
  assert.deepEqual(ids(append.events).toSorted(), ids(batch).toSorted());
  append.record();
  const { outcomes, fault } = await result;
  assert.deepEqual([outcomes.length, fault], [5, undefined]);
  assert.ok(outcomes.every((outcome) => outcome?.kind === "recorded"));
});

test("events of one correlation are never in two appends at once, and keep their order", async () => {
  const { writer: one, appends, next } = writer({ appendEvents: 3 });
  const queue = one.open();
  const batch = events(8);
  void one.submit(queue, batch);
  const order: string[] = [];
  for (let appended = 0; appended < 8; ) {
    const append = await next();
    await settled();
    assert.equal(appends.length, 0, "no second append of the same correlation");
    order.push(...ids(append.events));
    appended += append.events.length;
    append.record();
  }
  assert.deepEqual(order, ids(batch));
});

test("the same id is never twice in one append", async () => {
  const { writer: one, next } = writer();
  const event = preparedEvent();
  void one.submit(one.open(), [event, event]);
  const first = await next();
  assert.equal(first.events.length, 1);
  first.record();
  assert.equal((await next()).events.length, 1);
});

test("one caller never has all lanes, so that another finds one free", async () => {
  const { writer: one, appends, next } = writer({ appendEvents: 10 });
  const flood = one.open();
  void one.submit(
    flood,
    Array.from({ length: 100 }, (_, index) => preparedEvent({ correlation_id: `flood-${index}` })),
  );
  await next();
  await next();
  await settled();
  assert.equal(appends.length, 0, "two of three lanes");
  void one.submit(one.open(), events(1, "lone"));
  const lone = await next();
  assert.ok(lone.events.some(({ correlationId }) => correlationId === "lone"));
});

test("callers share an append evenly, and what one leaves the others may have", async () => {
  const { writer: one, appends, next } = writer({ lanes: 1, appendEvents: 30 });
  const [busy, quiet] = [one.open(), one.open()];
  void one.submit(one.open(), events(11, "first"));
  const first = await next();
  const flood = Array.from({ length: 100 }, (_, index) => preparedEvent({ correlation_id: `flood-${index}` }));
  void one.submit(busy, flood);
  void one.submit(quiet, events(12, "quiet"));
  first.record();
  const shared = await next();
  assert.equal(appends.length, 0);
  const mine = shared.events.filter(({ correlationId }) => correlationId === "quiet");
  assert.deepEqual([mine.length, shared.events.length], [12, 30]);
});

test("while small batches come in among large ones, appends are short", async () => {
  const { writer: one, next } = writer({ lanes: 1, appendEvents: 40 });
  void one.submit(one.open(), events(1, "small"));
  const first = await next();
  void one.submit(
    one.open(),
    Array.from({ length: 100 }, (_, index) => preparedEvent({ correlation_id: `flood-${index}` })),
  );
  first.record();
  assert.equal((await next()).events.length, 10);
});

test("a lone event waits for company no longer than the linger", async () => {
  const { writer: one, next } = writer({ lingerMs: 20 });
  const begun = performance.now();
  void one.submit(one.open(), events(1, "a"));
  void one.submit(one.open(), events(1, "b"));
  const append = await next();
  assert.equal(append.events.length, 2, "company that came in time goes along");
  assert.ok(performance.now() - begun < 200);
});

test("an append is bounded in bytes, but takes one event at least", async () => {
  const { writer: one, next } = writer({ lanes: 1, appendBytes: 3000 });
  const large = (correlation_id: string) =>
    preparedEvent({ correlation_id, event_data: `{"a":"${"x".repeat(5000)}"}` });
  void one.submit(one.open(), [large("a"), large("b"), large("c")]);
  for (const _ of ["a", "b", "c"]) {
    const append = await next();
    assert.equal(append.events.length, 1);
    append.record();
  }
});

test("a call without room is refused before anything of it is tried, a stream waits", async () => {
  const { writer: one, appends, next } = writer({ pendingEvents: 100 });
  const first = Array.from({ length: 4 }, (_, caller) => one.submit(one.open(), events(25, `rr-${caller}`)));
  const { fault, outcomes } = await one.submit(one.open(), events(1, "late"));
  assert.deepEqual(
    [fault?.kind, fault?.details.reason, (fault?.details.retryAfterMs ?? 0) > 0],
    ["exhausted", "WRITER_FULL", true],
  );
  assert.deepEqual(outcomes, [undefined]);

  const waiting = one.submitWhenRoom(one.open(), events(10, "stream"));
  let taken = false;
  void waiting.then(() => {
    taken = true;
  });
  await settled();
  assert.deepEqual([taken, one.fill.waitingCallers, one.fill.events], [false, 1, 100]);
  while (!taken) {
    (await next()).record();
    await settled();
  }
  while (appends.length > 0) (await next()).record();
  const { result } = await waiting;
  assert.equal((await result).fault, undefined);
  assert.ok((await Promise.all(first)).every((one) => one.fault === undefined));
  assert.equal(one.fill.events, 0);
  assert.equal(one.fill.bytes, 0);
});

test("one caller may fill a quarter of the room; a batch larger than that goes when nothing of the caller waits", async () => {
  const { writer: one, next } = writer({ pendingEvents: 100 });
  const queue = one.open();
  const large = one.submit(queue, events(60));
  const more = one.submitWhenRoom(queue, events(1));
  const other = one.submit(one.open(), events(25, "other"));
  await settled();
  assert.deepEqual([one.fill.events, one.fill.waitingCallers], [85, 1]);
  for (const _ of ["large", "other", "more"]) {
    (await next()).record();
    await settled();
  }
  for (const result of [await large, await other, await (await more).result]) assert.equal(result.fault, undefined);
});

test("after a failure nothing that came later is tried, until the queue is mended", async () => {
  const { writer: one, appends, next } = writer({ appendEvents: 5 });
  const queue = one.open();
  const [first, second] = [one.submit(queue, events(5)), one.submit(queue, events(5))];
  (await next()).fail(away);
  assert.deepEqual([(await first).fault, (await second).fault], [away, away]);
  assert.equal((await one.submit(queue, events(1, "elsewhere"))).fault, away, "not even of another correlation");
  await settled();
  assert.equal(appends.length, 0);
  one.mend(queue);
  const third = one.submit(queue, events(1));
  (await next()).record();
  assert.equal((await third).fault, undefined);
  const other = one.submit(one.open(), events(1));
  (await next()).record();
  assert.equal((await other).fault, undefined, "other callers never noticed");
});

test("a failure in the middle keeps what was settled before it", async () => {
  const { writer: one, next } = writer();
  const batch = events(3);
  const result = one.submit(one.open(), batch);
  const append = await next();
  append.record(batch.slice(0, 1));
  const { outcomes, fault } = await result;
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.kind),
    ["recorded", undefined, undefined],
  );
  assert.equal(fault?.kind, "unavailable", "an append that forgets events is not a success");
});

test("while the database is away everything is given back, what waits for room too", async () => {
  const { writer: one, next } = writer({ lanes: 1, pendingEvents: 10 });
  const running = one.submit(one.open(), events(9, "running"));
  const append = await next();
  const waiting = one.submit(one.open(), events(1, "waiting"));
  const stream = one.submitWhenRoom(one.open(), events(5, "stream"));
  one.suspend(away);
  assert.equal((await waiting).fault, away);
  assert.equal((await (await stream).result).fault, away);
  assert.equal((await one.submit(one.open(), events(1))).fault, away);
  append.record();
  assert.equal((await running).fault, undefined, "what was under way is settled by its append");
  one.recover();
  const again = one.submit(one.open(), events(1));
  (await next()).record();
  assert.equal((await again).fault, undefined);
});

test("drained resolves when nothing is pending", async () => {
  const { writer: one, next } = writer();
  await one.drained();
  const result = one.submit(one.open(), events(2));
  let drained = false;
  const done = one.drained().then(() => {
    drained = true;
  });
  const append = await next();
  assert.equal(drained, false);
  append.record();
  await done;
  assert.equal((await result).fault, undefined);
});

test("what the database may or may not have taken goes to the queue, and what came later behind it", async () => {
  const held = new Set<string>();
  const state = () => (held.size > 0 ? "open" : "closed");
  const {
    writer: one,
    appends,
    next,
    nextEntry,
  } = writer(
    { appendEvents: 4 },
    {
      get state() {
        return state();
      },
      wayOf: (correlationId) => (held.has(correlationId) ? "queue" : "database"),
    },
  );
  const batch = events(6);
  const result = one.submit(one.open(), batch);
  (await next()).fail(away);
  const order: string[] = [];
  while (order.length < 6) {
    const entry = await nextEntry();
    order.push(...ids(entry.events));
    held.add("rr-1");
    entry.record(entry.events, QUEUED);
  }
  assert.deepEqual(order, ids(batch));
  assert.ok((await result).outcomes.every((outcome) => outcome?.kind === "queued"));
  const [behind, other] = [one.submit(one.open(), events(1)), one.submit(one.open(), events(1, "rr-2"))];
  (await next()).record();
  (await nextEntry()).record(undefined, QUEUED);
  assert.equal((await behind).outcomes[0]?.kind, "queued");
  assert.equal((await other).outcomes[0]?.kind, "recorded");
  held.clear();
  const direct = one.submit(one.open(), events(1));
  (await next()).record();
  assert.equal((await direct).outcomes[0]?.kind, "recorded");
  assert.equal(appends.length, 0);
});

test("a caller that wants nothing queued gets the failure, and so does what it sent behind", async () => {
  const { writer: one, next, nextEntry } = writer({ lingerMs: 5 }, {});
  const [strict, lax] = [one.open(), one.open()];
  const refused = one.submit(strict, events(2, "strict"), { requireRecorded: true });
  const behind = one.submit(strict, events(2, "strict"));
  const taken = one.submit(lax, events(2, "lax"));
  (await next()).fail(away);
  assert.deepEqual([(await refused).fault, (await behind).fault], [away, away]);
  const entry = await nextEntry();
  assert.deepEqual(
    entry.events.map(({ correlationId }) => correlationId),
    ["lax", "lax"],
  );
  entry.record(undefined, QUEUED);
  assert.equal((await taken).fault, undefined);
});

test("while the database is away everything is gathered for the queue, one entry at a time", async () => {
  const { writer: one, appends, entries, nextEntry } = writer({}, { state: "only", wayOf: () => "queue" });
  const results = [one.submit(one.open(), events(2, "a")), one.submit(one.open(), events(2, "b"))];
  const entry = await nextEntry();
  assert.equal(entry.events.length, 4);
  results.push(one.submit(one.open(), events(1, "c")));
  await settled();
  assert.deepEqual([appends.length, entries.length], [0, 0]);
  entry.record(undefined, QUEUED);
  (await nextEntry()).record(undefined, QUEUED);
  for (const result of results) assert.equal((await result).fault, undefined);
});

test("when the queue does not take them either, their fate is unknown and the caller's later events are not tried", async () => {
  const { writer: one, appends, next, nextEntry, entries } = writer({ lanes: 1 }, {});
  const queue = one.open();
  const [first, second] = [one.submit(queue, events(2)), one.submit(queue, events(2))];
  (await next()).fail(away);
  const full = new Fault("exhausted", "full", { reason: "QUEUE_FULL", retryAfterMs: 1 });
  (await nextEntry()).fail(full);
  assert.deepEqual([(await first).fault, (await second).fault], [full, full]);
  await settled();
  assert.deepEqual([appends.length, entries.length, one.fill.events], [0, 0, 0]);
});

test("an append that is abandoned goes to the queue, and what it answers later is ignored", async () => {
  const { writer: one, next, nextEntry } = writer({}, {});
  const result = one.submit(one.open(), events(2));
  const append = await next();
  one.abandon(away);
  const entry = await nextEntry();
  append.record();
  entry.record(undefined, QUEUED);
  assert.deepEqual(
    (await result).outcomes.map((outcome) => outcome?.kind),
    ["queued", "queued"],
  );
  const late = one.submit(one.open(), events(1, "late"));
  (await nextEntry()).record(undefined, QUEUED);
  assert.equal((await late).outcomes[0]?.kind, "queued", "no append is begun any more");
});
