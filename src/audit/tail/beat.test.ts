import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { beating } from "./beat.ts";

/** Lets everything go on that waits for nothing but promises. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("silence is told once in a while, and no item is lost by it", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    const gates = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
    async function* items() {
      for (const { promise } of gates) yield await promise;
    }
    const told: (number | undefined)[] = [];
    const reading = (async () => {
      for await (const item of beating(items(), 5_000)) told.push(item);
    })();
    await settled();
    mock.timers.tick(5_000);
    await settled();
    mock.timers.tick(5_000);
    await settled();
    assert.deepEqual(told, [undefined, undefined]);
    gates[0]?.resolve(1);
    await settled();
    mock.timers.tick(5_000);
    await settled();
    gates[1]?.resolve(2);
    await reading;
    assert.deepEqual(told, [undefined, undefined, 1, undefined, 2]);
  } finally {
    mock.timers.reset();
  }
});

test("an end from either side ends the items", async () => {
  let left = 0;
  async function* items() {
    try {
      yield 1;
      yield 2;
    } finally {
      left++;
    }
  }
  for await (const item of beating(items(), 5_000)) if (item === 1) break;
  await settled();
  assert.equal(left, 1);
  async function* failing(): AsyncGenerator<number> {
    yield 1;
    throw new Error("broken");
  }
  await assert.rejects(async () => {
    for await (const _ of beating(failing(), 5_000));
  }, /broken/);
});
