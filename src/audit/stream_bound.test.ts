import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamBound } from "./stream_bound.ts";

async function* numbers(): AsyncGenerator<number> {
  for (let number = 0; ; number++) yield number;
}

test("so many streams and no more; each makes room when it ends, however it ends", async () => {
  const bound = new StreamBound(2, "TOO_MANY", "count");
  const first = bound.count(numbers());
  const second = bound.count(numbers());
  assert.deepEqual([(await first.next()).value, (await second.next()).value], [0, 0]);
  const refusal = { kind: "exhausted", message: "2 callers count by this process, and it takes no more" };
  await assert.rejects(bound.count(numbers()).next(), refusal);
  await first.return(undefined);
  const third = bound.count(
    (async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error("broken");
    })(),
  );
  await third.next();
  await assert.rejects(bound.count(numbers()).next(), { kind: "exhausted" });
  await assert.rejects(third.next(), /broken/);
  assert.equal((await bound.count(numbers()).next()).value, 0);
});
