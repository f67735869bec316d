import assert from "node:assert/strict";
import { test } from "node:test";
import { atOnce, inPieces, mapping } from "./steps.ts";

const never = new AbortController().signal;

test("a long computation lets other work have its turn, ends with the same value, and ends early when nobody waits", async () => {
  const items = Array.from({ length: 400 }, (_, index) => index);
  const slow = (item: number) => {
    const until = performance.now() + 0.2;
    while (performance.now() < until);
    return item * 2;
  };
  let others = 0;
  const timer = setInterval(() => others++, 1);
  const doubled = await inPieces(mapping(items, slow), never);
  clearInterval(timer);
  assert.deepEqual(doubled, atOnce(mapping(items, (item) => item * 2)));
  assert.ok(others >= 3, `${others}`);
  const gone = new AbortController();
  setImmediate(() => gone.abort(new Error("gone")));
  await assert.rejects(inPieces(mapping(items, slow), gone.signal), /gone/);
});
