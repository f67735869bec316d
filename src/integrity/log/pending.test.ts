import assert from "node:assert/strict";
import { test } from "node:test";
import { type PendingRow, sortPending } from "./pending.ts";

let nextId = 1;
const row = (
  correlationId: string,
  firstPosition: number,
  eventCount: number,
  expectedPosition: number,
): PendingRow => ({
  pendingId: String(nextId++),
  correlationId,
  firstPosition,
  eventCount,
  eventHashes: "",
  expectedPosition,
});

test("rows of several chains that follow what is in the log keep their order", () => {
  const rows = [row("a", 1, 3, 1), row("b", 7, 2, 7), row("a", 4, 1, 1), row("b", 9, 1, 7), row("a", 5, 9, 1)];
  assert.deepEqual(sortPending(rows), { next: rows, afterGap: [], repeated: [] });
});

test("what is behind a gap is indexed and told of; what has an index is neither indexed nor lost sight of", () => {
  const gap = row("a", 4, 2, 3);
  const repeat = row("a", 5, 1, 3);
  const after = row("a", 6, 1, 3);
  const old = row("b", 1, 5, 3);
  assert.deepEqual(sortPending([gap, repeat, after, old]), {
    next: [gap, after],
    afterGap: [{ row: gap, expectedPosition: 3 }],
    repeated: [
      { row: repeat, expectedPosition: 6 },
      { row: old, expectedPosition: 3 },
    ],
  });
});
