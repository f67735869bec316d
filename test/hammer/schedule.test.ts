import assert from "node:assert/strict";
import { test } from "node:test";
import { FAULTS } from "../../hammer/faults/all.ts";
import { type Entry, type Kind, type ScheduleOptions, schedule } from "../../hammer/schedule.ts";

const one = ["a", "b", "c", "d", "e"].map((kind) => ({ kind, target: kind < "d" ? kind : "everything" }));
const other = ["x", "y"].map((kind) => ({ kind, target: "service" }));
const options = { groups: [one, one, other], perMinute: 10, shortestMs: 500, longestMs: 4000 };

function first(count: number, chosen: ScheduleOptions<Kind>): Entry<Kind>[] {
  return schedule(chosen).take(count).toArray();
}

test("the same seed gives the same faults with the same parameters, another seed gives others", () => {
  assert.deepEqual(first(200, { ...options, seed: 7 }), first(200, { ...options, seed: 7 }));
  assert.notDeepEqual(first(200, { ...options, seed: 7 }), first(200, { ...options, seed: 8 }));
});

test("every kind of a group comes before one comes again", () => {
  const kinds = first(15, { ...options, seed: 1 }).map(({ fault }) => fault.kind);
  for (const group of [one, other]) {
    const drawn = kinds.filter((kind) => group.some((member) => member.kind === kind));
    assert.equal(new Set(drawn.slice(0, group.length)).size, group.length);
  }
});

test("faults come in order of time, last as long as allowed, and overlap only where they are done to different things", () => {
  const entries = first(500, { ...options, seed: 3 });
  assert.ok(entries.some(({ overlaps }) => overlaps));
  for (const [at, entry] of entries.entries()) {
    assert.ok(entry.ms >= options.shortestMs && entry.ms <= options.longestMs);
    const before = entries[at - 1];
    if (before === undefined) continue;
    assert.ok(entry.atMs >= before.atMs);
    if (!entry.overlaps) continue;
    assert.notEqual(entry.fault.target, before.fault.target);
    assert.ok(![entry.fault.target, before.fault.target].includes("everything"));
  }
});

test("each fault has a kind of its own", () => {
  const kinds = FAULTS.map(({ kind }) => kind);
  assert.equal(new Set(kinds).size, kinds.length);
});
