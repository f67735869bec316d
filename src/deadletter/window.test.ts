import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { StreamName } from "./keys.ts";
import { type Placed, Window } from "./window.ts";

/** An entry by its place in the sequence and the letters of its correlations. */
function entry(sequence: number, correlations: string, stream: StreamName = "events"): Placed {
  return { stream, sequence, correlations: [...correlations] };
}

/** A window in which these entries, and everything below them, were read. */
function filled(...entries: Placed[]): Window<Placed> {
  const window = new Window<Placed>();
  const last = entries.at(-1)?.sequence ?? 0;
  for (const stream of ["events", "notifications"] as const) {
    window.read(
      stream,
      entries.filter((one) => one.stream === stream),
      last,
    );
  }
  return window;
}

const takeAll = (window: Window<Placed>) => window.take(() => true);
const sequences = (entries: readonly Placed[]) => entries.map(({ sequence }) => sequence);

test("entries of both streams go lowest first", () => {
  const window = filled(entry(1, "a"), entry(2, "a", "notifications"), entry(3, "b"));
  assert.deepEqual(sequences(window.take(({ sequence }) => sequence < 3)), [1, 2]);
  assert.deepEqual(sequences(takeAll(window)), [3]);
});

test("an entry counts only when everything lower in both streams was read", () => {
  const window = new Window<Placed>();
  window.read("events", [entry(1, "a"), entry(4, "a")], 4);
  assert.equal(window.behind, "notifications");
  assert.deepEqual(takeAll(window), []);
  window.read("notifications", [entry(2, "a", "notifications")], 2);
  assert.deepEqual(sequences(takeAll(window)), [1, 2]);
  window.read("notifications", [], 7);
  assert.deepEqual(sequences(takeAll(window)), [4]);
  assert.equal(window.behind, "events");
});

test("what waits for its next try holds back its correlations, and theirs, and nothing else", () => {
  const window = filled(entry(1, "a"), entry(2, "b"), entry(3, "ac"), entry(4, "c"), entry(5, "bd"));
  const [first] = window.take(({ sequence }) => sequence === 1);
  window.hold(first as Placed, 100);
  assert.deepEqual(sequences(takeAll(window)), [2, 5]);
  assert.equal(window.held, 3);
  assert.equal(window.nextRelease, 100);
  window.release(99);
  assert.deepEqual(takeAll(window), []);
  window.release(100);
  assert.deepEqual(sequences(takeAll(window)), [1, 3, 4]);
  assert.equal(window.nextRelease, Number.POSITIVE_INFINITY);
});

test("a stopped stream is not drained behind its stop; the other one is, but for shared correlations", () => {
  const window = filled(
    entry(1, "a"),
    entry(2, "b", "notifications"),
    entry(3, "c"),
    entry(4, "c", "notifications"),
    entry(5, "d", "notifications"),
  );
  window.stop("events", 1);
  assert.deepEqual(sequences(takeAll(window)), [1, 2, 5]);
  window.resume("events");
  assert.deepEqual(sequences(takeAll(window)), [3, 4]);
});

test("it tells what will be here for a while, and how many correlations it remembers", () => {
  const told: number[] = [];
  const window = new Window<Placed>(({ sequence }) => told.push(sequence));
  window.read("notifications", [], 9);
  window.read("events", [entry(1, "a"), entry(2, "ab"), entry(3, "c")], 3);
  assert.equal(window.correlations, 4);
  const [first] = window.take(({ sequence }) => sequence === 1);
  window.hold(first as Placed, 1);
  assert.deepEqual(told, [1, 2]);
  assert.equal(window.correlations, 4);
  takeAll(window);
  assert.equal(window.correlations, 3);
});

// What becomes of those taken: stored, or the first of them waits and the others come back.
const step = fc.oneof(
  fc.record({ kind: fc.constant("read" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constant("take" as const),
    count: fc.integer({ min: 1, max: 5 }),
    fate: fc.constantFrom("stored", "stored", "first waits", "come back"),
    wait: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant("stop" as const), stream: fc.constantFrom<StreamName>("events", "notifications") }),
  fc.record({ kind: fc.constant("resume" as const), stream: fc.constantFrom<StreamName>("events", "notifications") }),
);

const queue = fc.array(
  fc.record({
    stream: fc.constantFrom<StreamName>("events", "notifications"),
    correlations: fc.uniqueArray(fc.constantFrom(..."abcde"), { maxLength: 2 }),
  }),
  { maxLength: 20 },
);

test("whatever happens, each correlation keeps its order, all that is free goes, and in the end everything went", () => {
  fc.assert(
    fc.property(queue, fc.array(step, { maxLength: 60 }), (shapes, steps) => {
      const entries: Placed[] = shapes.map((shape, index) => ({ ...shape, sequence: index + 1 }));
      const model = new Model(entries);
      for (const one of steps) model.step(one);
      model.finish();
    }),
    { numRuns: 1000 },
  );
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The rules again, by looking at all entries each time. */
class Model {
  readonly window = new Window<Placed>();
  readonly entries: readonly Placed[];
  readonly unread: Record<StreamName, Placed[]>;
  readonly open: Set<Placed>;
  readonly frontier: Record<StreamName, number> = { events: 0, notifications: 0 };
  readonly waiting = new Map<Placed, number>();
  readonly stops = new Map<StreamName, number>();
  now = 0;

  constructor(entries: readonly Placed[]) {
    this.entries = entries;
    this.open = new Set(entries);
    this.unread = {
      events: entries.filter(({ stream }) => stream === "events"),
      notifications: entries.filter(({ stream }) => stream === "notifications"),
    };
  }

  step(one: Step): void {
    this.now++;
    this.window.release(this.now);
    for (const [entry, until] of this.waiting) if (until <= this.now) this.waiting.delete(entry);
    if (one.kind === "read") this.read(one.count);
    else if (one.kind === "take") this.take(one.count, one.fate, one.wait);
    else if (one.kind === "stop") {
      const lowest = [...this.open].find(({ stream }) => stream === one.stream)?.sequence ?? 0;
      this.stops.set(one.stream, Math.min(lowest, this.stops.get(one.stream) ?? lowest));
      this.window.stop(one.stream, lowest);
    } else {
      this.stops.delete(one.stream);
      this.window.resume(one.stream);
    }
    assert.equal(this.window.ready, this.free().length, "what is free is known to be");
  }

  read(count: number): void {
    const stream = this.window.behind;
    const page = this.unread[stream].splice(0, count);
    const frontier = page.length === count ? (page.at(-1)?.sequence ?? 0) : this.entries.length;
    this.frontier[stream] = Math.max(this.frontier[stream], frontier);
    this.window.read(stream, page, frontier);
  }

  take(count: number, fate: string, wait: number): void {
    const free = this.free().slice(0, count);
    let room = count;
    const taken = this.window.take(() => room-- > 0);
    assert.deepEqual(taken, free, "the lowest that are free");
    const [first, ...others] = taken;
    if (first === undefined) return;
    if (fate === "stored") for (const entry of taken) this.open.delete(entry);
    else if (fate === "come back") this.window.giveBack(taken);
    else {
      this.waiting.set(first, this.now + wait);
      this.window.giveBack(others);
      this.window.hold(first, this.now + wait);
    }
  }

  /** Entries that a read of both streams has gone past, and which neither wait nor come behind one that does. */
  free(): Placed[] {
    const frontier = Math.min(this.frontier.events, this.frontier.notifications);
    const held = new Set<string>();
    const free: Placed[] = [];
    for (const entry of this.open) {
      if (entry.sequence > frontier) break;
      const stopped = entry.sequence > (this.stops.get(entry.stream) ?? Number.POSITIVE_INFINITY);
      if (stopped || this.waiting.has(entry) || entry.correlations.some((one) => held.has(one))) {
        for (const one of entry.correlations) held.add(one);
      } else free.push(entry);
    }
    return free;
  }

  finish(): void {
    for (const stream of ["events", "notifications"] as const) this.step({ kind: "resume", stream });
    for (let turn = 0; turn < 4 * this.entries.length + 8; turn++) {
      this.step({ kind: "read", count: 5 });
      this.step({ kind: "take", count: 5, fate: "stored", wait: 1 });
    }
    assert.equal(this.open.size, 0);
    assert.equal(this.window.size, 0);
    assert.equal(this.window.correlations, 0);
  }
}
