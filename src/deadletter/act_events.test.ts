import assert from "node:assert/strict";
import { test } from "node:test";
import { prepareBatch } from "../audit/intake.ts";
import { type Act, actEvents, type LetterInAct, newActId } from "./act_events.ts";

const act: Act = { kind: "discarded", by: "operator", reason: "\u0001".repeat(1000), correlationId: newActId() };

test("an act over as many letters as a call takes, of the longest names, is told in events that keep every rule", async () => {
  const letters = Array.from(
    { length: 1000 },
    (_, index): LetterInAct => ({
      letter: `notifications/${index + 1}`,
      event_id: "0199a0ed-cdc8-7000-8000-000000000001",
      correlation_id: "\u0001".repeat(255),
    }),
  );
  const events = actEvents(act, "pending", letters, Date.now());
  const prepared = await prepareBatch(events, "operator");
  assert.deepEqual(
    prepared.filter((entry) => "violations" in entry),
    [],
  );
  const told = events.map(({ payload }) => JSON.parse(Buffer.from(payload.value as Uint8Array).toString()));
  assert.deepEqual(
    told.flatMap(({ letters }) => letters),
    letters,
  );
  assert.ok(told.length > 1);
  assert.deepEqual(
    told.map(({ part, parts }) => [part, parts]),
    told.map((_, index) => [index + 1, told.length]),
  );
});

test("an act on one letter names it as its object; the longest name of a caller is cut", () => {
  const [event] = actEvents({ ...act, by: "😀".repeat(300) }, "success", [{ letter: "events/7" }], 0);
  assert.equal(event?.resourceId, "events/7");
  assert.equal([...(event?.actorId ?? "")].length, 255);
});
