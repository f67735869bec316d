import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { preparedEvent } from "../../test/support/prepared_event.ts";
import { HeldCorrelations } from "./held.ts";

const of = (...correlations: string[]) => correlations.map((correlation_id) => preparedEvent({ correlation_id }));
const place = (sequence: number) => ({ stream: "events" as const, sequence });

test("a correlation is held from before its events are queued until all of its entries have left", () => {
  const held = new HeldCorrelations();
  const hold = held.begin([of("a", "b"), of("a")]);
  assert.ok(held.holds("a") && held.holds("b") && !held.holds("c"));
  hold.queued([place(1), place(2)]);
  assert.deepEqual(held.waiting, { entries: 2, events: 3 });
  assert.ok(held.release([place(1)]));
  assert.ok(held.holds("a") && !held.holds("b"));
  assert.ok(!held.release([place(1)]));
  held.release([place(2)]);
  assert.ok(!held.any);
});

test("what was not queued holds nothing", () => {
  const held = new HeldCorrelations();
  const first = held.begin([of("a")]);
  const second = held.begin([of("a")]);
  first.dropped();
  assert.ok(held.holds("a"));
  second.dropped();
  assert.ok(!held.any);
});

test("beyond its bound everything is held until nothing waits", () => {
  const held = new HeldCorrelations(2);
  held.begin([of("a", "b", "c")]).queued([place(1)]);
  held.begin([of("d")]).queued([place(2)]);
  assert.ok(held.holds("anything"));
  held.release([place(1)]);
  assert.ok(held.holds("anything"));
  held.release([place(2)]);
  assert.ok(!held.any && !held.holds("a"));
});

test("a correlation is nearly released while the queue is drained and little is ahead of it", () => {
  const held = new HeldCorrelations();
  held.begin([of("a"), of("b")]).queued([place(1), place(3)]);
  held.begin([of("c")]).queued([place(20)]);
  assert.ok(!held.nearlyReleased("b"), "nothing has left the queue yet");
  held.release([place(1)]);
  assert.ok(held.nearlyReleased("b"));
  assert.ok(!held.nearlyReleased("c"));
});

test("questions go round the entries in turn", () => {
  const held = new HeldCorrelations();
  held.begin([of("a"), of("a"), of("a")]).queued([place(1), place(2), place(3)]);
  const asked = (after: number) => held.deposits(after, 2).map(({ sequence }) => sequence);
  assert.deepEqual(
    [asked(0), asked(2), asked(3)],
    [
      [1, 2],
      [3, 1],
      [1, 2],
    ],
  );
});

test("an add that was under way when all was lost has nothing to settle", () => {
  const held = new HeldCorrelations();
  const hold = held.begin([of("a")]);
  held.clear();
  hold.queued([place(1)]);
  assert.ok(!held.any);
});

test("correlations beyond the bound take no memory, however many a full queue holds", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const [entries, each] = [500, 400];
  const held = new HeldCorrelations(100);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let sequence = 1; sequence <= entries; sequence++) {
    const events = Array.from({ length: each }, (_, index) => ({ correlationId: `rr-${sequence}-${index}` }));
    held.begin([events as unknown as ReturnType<typeof of>]).queued([place(sequence)]);
  }
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.equal(held.waiting.events, entries * each);
  assert.ok(grown < 4 * entries * each, `${(grown / (entries * each)).toFixed(1)} bytes for each event`);
});
