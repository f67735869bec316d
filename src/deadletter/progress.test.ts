import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "./progress.ts";

function progress() {
  const clock = { now: 0 };
  const lines: (readonly [string, object])[] = [];
  const log = { info: (fields: object, message: string) => lines.push([message, fields]) };
  const made = new Progress({ log: log as never, left: () => 7, now: () => clock.now });
  return { made, clock, lines };
}

test("the log tells when a backlog begins to be drained, every ten seconds, and when it is done", () => {
  const { made, clock, lines } = progress();
  made.drained(1, 500);
  for (let second = 1; second <= 15; second++) {
    clock.now += 1000;
    made.drained(10, 1000);
  }
  clock.now += 999;
  made.idle();
  clock.now += 1;
  made.idle();
  made.idle();
  assert.deepEqual(lines, [
    ["the queue is being drained", { entries_left: 7 }],
    [
      "the queue is still being drained",
      { entries: 101, events: 10_500, seconds: 10, events_per_second: 1050, entries_left: 7 },
    ],
    ["the queue is drained", { entries: 151, events: 15_500, seconds: 15, events_per_second: 1033 }],
  ]);
});

test("nothing is said where nothing was drained, and the next backlog is counted anew", () => {
  const { made, clock, lines } = progress();
  made.idle();
  made.drained(1, 1);
  clock.now += 1000;
  made.idle();
  made.drained(1, 2);
  clock.now += 1000;
  made.idle();
  assert.deepEqual(
    lines.map(([message, fields]) => [message, "events" in fields ? fields.events : undefined]),
    [
      ["the queue is being drained", undefined],
      ["the queue is drained", 1],
      ["the queue is being drained", undefined],
      ["the queue is drained", 2],
    ],
  );
});
