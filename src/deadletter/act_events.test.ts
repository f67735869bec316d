import assert from "node:assert/strict";
import { test } from "node:test";
import { prepareOwnEvents } from "../audit/own_event.ts";
import { ROW_COLUMNS, splitRow } from "../audit/prepare.ts";
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
  const prepared = await prepareOwnEvents(actEvents(act, "pending", letters), "operator");
  const told = prepared.map((event) => JSON.parse(splitRow(event)[ROW_COLUMNS.indexOf("event_data")] as string));
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

test("an act on one letter names it as its object; the longest name of a caller is cut", async () => {
  const events = actEvents(act, "success", [{ letter: "events/7" }]);
  const [event] = (await prepareOwnEvents(events, "😀".repeat(300))).map(splitRow);
  assert.equal(event?.[ROW_COLUMNS.indexOf("resource_id")], "events/7");
  assert.equal([...(event?.[ROW_COLUMNS.indexOf("actor_id")] ?? "")].length, 255);
});
