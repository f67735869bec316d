import assert from "node:assert/strict";
import { test } from "node:test";
import { Breaker } from "./breaker.ts";

/** A breaker with a clock of the test's own and pauses in the middle of their range. */
function breaker() {
  const clock = { now: 0 };
  const changes: string[] = [];
  const made = new Breaker({ onChange: (state) => changes.push(state), now: () => clock.now, random: () => 0.5 });
  return { made, clock, changes };
}

test("it opens with the first failure, and lets one try through when its pause is over", () => {
  const { made, clock, changes } = breaker();
  assert.equal(made.pauseMs(), 0);
  made.failed(new Error("refused"));
  assert.equal(made.pauseMs(), 100);
  clock.now += 99;
  assert.equal(made.pauseMs(), 1);
  clock.now += 1;
  assert.equal(made.pauseMs(), 0);
  made.succeeded();
  assert.deepEqual(changes, ["open", "half_open", "closed"]);
});

test("pauses grow to five seconds, and begin small again after a success", () => {
  const { made, clock } = breaker();
  const pauses = Array.from({ length: 9 }, () => {
    made.failed(undefined);
    const pause = made.pauseMs();
    clock.now += pause;
    made.pauseMs();
    return pause;
  });
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  made.succeeded();
  made.failed(undefined);
  assert.equal(made.pauseMs(), 100);
});

test("pauses vary, so that many processes do not come at once", () => {
  const pause = (random: number) => {
    const made = new Breaker({ onChange() {}, now: () => 0, random: () => random });
    made.failed(undefined);
    return made.pauseMs();
  };
  assert.equal(pause(0), 75);
  assert.equal(pause(1), 125);
});

test("a database that others have found is tried at once", () => {
  const { made, changes } = breaker();
  made.nudge();
  assert.deepEqual(changes, [], "nothing to do while it is closed");
  made.failed(undefined);
  made.nudge();
  assert.equal(made.pauseMs(), 0);
  assert.deepEqual(changes, ["open", "half_open"]);
});
