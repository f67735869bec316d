// What the hammer makes of a tail's notes and of the log's runs: each kind of fault is seen where it is put.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TailLine } from "../../hammer/readers/options.ts";
import { LogRuns } from "../../hammer/verdict/log/log_runs.ts";
import { TailedLog } from "../../hammer/verdict/log/tailed_log.ts";

function id(index: number): string {
  return `01900000-0000-7000-8000-${String(index + 1).padStart(12, "0")}`;
}

/** A message with the events of these indexes. */
function line(stream: number, indexes: readonly number[], upTo = indexes.at(-1) ?? -1): TailLine {
  return { stream, events: indexes.map((index) => [index, id(index)] as const), removed: [], upTo };
}

function taken(...lines: readonly TailLine[]): TailedLog {
  const tailed = new TailedLog();
  for (const one of lines) tailed.take(one);
  return tailed;
}

test("a tail that gave each index once over all its streams is clean, and tells what it gave", () => {
  const tailed = taken(line(1, [0, 1, 2]), line(1, [3]), line(2, [4, 5]), line(4, [70_000 - 1], 70_000 - 1));
  assert.deepEqual(tailed.found.first, ["stream 4 gave index 69999 after 5, right after it was resumed"]);
  assert.equal(taken(line(1, [0, 1, 2]), line(2, [3])).found.count, 0);
  assert.deepEqual(
    [tailed.idAt(3), tailed.idAt(6), tailed.idAt(69_999), tailed.idAt(200_000)],
    [id(3), undefined, id(69_999), undefined],
  );
  assert.equal(tailed.end, 70_000);
});

test("a tail that leaves out, repeats, mixes up, removes, or says too much is found", () => {
  const found = (...lines: readonly TailLine[]) => taken(...lines).found.first;
  assert.deepEqual(found(line(1, [0, 2])), ["stream 1 gave index 2 after 0, right after it was resumed"]);
  assert.deepEqual(found(line(1, [0, 1]), line(1, [1, 2])), ["stream 1 gave index 1 again"]);
  assert.deepEqual(found(line(1, [1, 0], 1)), ["stream 1 gave events out of order before 1"]);
  assert.deepEqual(found(line(1, [0]), { stream: 1, events: [], removed: [[1, 4]], upTo: 4 }), [
    "stream 1 told that 1 to 4 are removed",
  ]);
  assert.deepEqual(found(line(1, [0, 1], 5)), ["stream 1 told that everything up to 5 is given, and gave up to 1"]);
});

test("runs tell the index of every place, and of none that they do not hold", () => {
  const runs = new LogRuns();
  assert.equal(runs.next("a"), 1);
  runs.add("a", { firstLogIndex: 0, firstPosition: 1, eventCount: 3 });
  runs.add("b", { firstLogIndex: 3, firstPosition: 1, eventCount: 2 });
  runs.add("a", { firstLogIndex: 5, firstPosition: 4, eventCount: 2 });
  assert.equal(runs.next("a"), 6);
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((place) => runs.indexOf("a", place)),
    [0, 1, 2, 5, 6, undefined],
  );
  assert.deepEqual([runs.indexOf("b", 0), runs.indexOf("b", 2), runs.indexOf("c", 1)], [undefined, 4, undefined]);
});
