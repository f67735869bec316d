import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { orderTrail } from "./trail.ts";

const edge = (text: string, at: number) => {
  const [from = "", to = ""] = text.split(">");
  return { from, to, at: BigInt(at) };
};
const path = (edges: readonly { from: string; to: string }[]) => edges.map(({ from, to }) => `${from}>${to}`);

test("changes within one second are put in the order of the graph", () => {
  const told = [edge("Processing>Analyzing", 3), edge("Pending>Processing", 3), edge("Analyzing>Executing", 9)];
  assert.deepEqual(path(orderTrail(told)), ["Pending>Processing", "Processing>Analyzing", "Analyzing>Executing"]);
});

test("a phase that is entered twice keeps both stays", () => {
  const told = [edge("B>A", 1), edge("A>B", 1), edge("A>B", 1), edge("S>A", 1), edge("B>End", 2)];
  assert.deepEqual(path(orderTrail(told)), ["S>A", "A>B", "B>A", "A>B", "B>End"]);
});

test("a change that was told twice is taken once", () => {
  const told = [edge("A>B", 1), edge("A>B", 2), edge("B>C", 3)];
  assert.deepEqual(path(orderTrail(told)), ["A>B", "B>C"]);
});

test("where an event is missing, the pieces stand in the order of time", () => {
  const told = [edge("B>C", 1), edge("A>B", 1), edge("X>Y", 5), edge("Y>Z", 6)];
  assert.deepEqual(path(orderTrail(told)), ["A>B", "B>C", "X>Y", "Y>Z"]);
  assert.deepEqual(orderTrail([]), []);
});

test("of whatever course, told in whatever order, each change follows from the one before", () => {
  const course = fc.array(fc.constantFrom("A", "B", "C", "D", "E"), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(course, fc.infiniteStream(fc.nat()), (phases, noise) => {
      const edges = phases.slice(1).map((to, index) => edge(`${phases[index]}>${to}`, 1));
      const shuffled = edges
        .map((one) => ({ one, key: noise.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
      const ordered = orderTrail(shuffled);
      assert.equal(ordered.length, edges.length);
      for (const [index, { from }] of ordered.entries()) if (index > 0) assert.equal(from, ordered[index - 1]?.to);
    }),
  );
});

test("many changes that fit no order are put in one all the same, and soon", () => {
  const told = Array.from({ length: 400 }, (_, index) => edge(`P${index % 7}>P${(index * 3 + 1) % 7}`, index));
  told.push(edge("X>Y", 0), edge("X>Y", 1), edge("X>Z", 2));
  assert.ok(orderTrail(told).length > 0);
});
