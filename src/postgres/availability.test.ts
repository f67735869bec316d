import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Availability } from "./availability.ts";

const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

type Answer = "off" | "on" | Error;

/** An Availability over a database that gives `answers` in turn, the last one for good; time is the test's own. */
function watch(context: { after(hook: () => void): void }, answers: Answer[]) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const changes: [boolean, string][] = [];
  let probes = 0;
  const run = async () => {
    const answer = answers[Math.min(probes++, answers.length - 1)] as Answer;
    if (answer instanceof Error) throw answer;
    return [{ read_only: answer }] as never;
  };
  const availability = new Availability({ run }, (available, cause) => {
    changes.push([available, cause instanceof Error ? cause.message : ""]);
  });
  availability.begin();
  changes.length = 0;
  context.after(() => {
    availability.close();
    mock.timers.reset();
  });
  const pass = async (milliseconds: number) => {
    mock.timers.tick(milliseconds);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { availability, changes, pass, probes: () => probes };
}

test("a database that was lost is asked for often, and found again", async (context) => {
  const { availability, changes, pass } = watch(context, [refused, "on", "off"]);
  availability.lost(new Error("reset"));
  assert.equal(availability.available, false);
  await pass(375);
  await pass(375);
  assert.deepEqual(changes, [[false, "reset"]], "neither one that refuses nor one that is read-only is back");
  await pass(375);
  assert.deepEqual(changes, [
    [false, "reset"],
    [true, ""],
  ]);
  assert.equal(availability.available, true);
});

test("a loss is noticed also while nobody writes", async (context) => {
  const { changes, pass } = watch(context, ["off", refused, "off"]);
  await pass(7500);
  assert.deepEqual(changes, []);
  await pass(7500);
  assert.deepEqual(changes, [[false, "refused"]]);
  await pass(375);
  assert.deepEqual(changes.at(-1), [true, ""]);
});

test("a probe that finds no connection to spare is no loss", async (context) => {
  const crowded = Object.assign(new Error("too many clients"), { code: "53300", severity: "FATAL" });
  const { changes, pass, probes } = watch(context, [crowded, crowded, "off"]);
  for (let round = 0; round < 4; round++) await pass(7500);
  assert.ok(probes() >= 3);
  assert.deepEqual(changes, []);
});

test("a loss is told once, and nothing is asked after the end", async (context) => {
  const { availability, changes, pass, probes } = watch(context, [refused]);
  availability.lost(new Error("first"));
  availability.lost(new Error("second"));
  await pass(375);
  assert.deepEqual(changes, [[false, "first"]]);
  availability.close();
  const asked = probes();
  await pass(60_000);
  assert.equal(probes(), asked);
});
