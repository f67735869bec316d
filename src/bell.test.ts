import assert from "node:assert/strict";
import { test } from "node:test";
import { Bell } from "./bell.ts";

test("a ring ends the wait", async () => {
  const bell = new Bell();
  const waited = bell.wait(Number.POSITIVE_INFINITY);
  bell.ring();
  await waited;
});

test("a ring while nobody waits is kept for the next wait, and for that alone", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.wait(Number.POSITIVE_INFINITY);
  let over = false;
  const second = bell.wait(100).then(() => {
    over = true;
  });
  await Promise.resolve();
  assert.equal(over, false);
  t.mock.timers.tick(100);
  await second;
});

test("there is no wait for a time that has passed", async () => {
  await new Bell().wait(-1);
});
