import assert from "node:assert/strict";
import { test } from "node:test";
import { type MadeEvent, traceRows } from "../../../test/support/trace_rows.ts";
import { FieldMap } from "../facts/field_map.ts";
import { parseTrace } from "../parse/parse.ts";
import { mapBlock, mapEnd, mapPhases } from "./phases.ts";

const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
const moved = (from_phase: string, to_phase: string, second = 0): MadeEvent => ({
  event_type: "orchestrator.lifecycle.transitioned",
  event_timestamp: at(second),
  event_data: { from_phase, to_phase },
});

function mapped(...events: MadeEvent[]): FieldMap {
  const fields = new FieldMap();
  const parsed = parseTrace("rr-made", traceRows(events)).events;
  for (const event of parsed) {
    mapEnd(event, fields);
    mapBlock(event, fields);
  }
  mapPhases(parsed, fields);
  return fields;
}

const phase = (...events: MadeEvent[]) => mapped(...events).text("status.overallPhase");

test("phases of one second follow the graph, not the order of arrival", () => {
  const [first, second, third] = [
    moved("Pending", "Processing"),
    moved("Processing", "Analyzing"),
    moved("Analyzing", "Executing"),
  ];
  for (const order of [
    [first, second, third],
    [third, second, first],
    [second, first, third],
  ]) {
    assert.equal(phase(...order), "Executing");
  }
});

test("a phase may be entered again within one second", () => {
  assert.equal(
    phase(moved("Blocked", "Executing"), moved("Executing", "Blocked"), moved("Pending", "Executing")),
    "Executing",
  );
});

test("an event that arrives late does not turn the phase back", () => {
  assert.equal(phase(moved("Analyzing", "Executing", 3), moved("Pending", "Processing", 1)), "Executing");
});

test("an end comes after all other events of its second", () => {
  const failed = {
    event_type: "orchestrator.lifecycle.completed",
    event_timestamp: at(0),
    event_data: { outcome: "Failed" },
  };
  assert.equal(phase(failed, moved("Analyzing", "Executing")), "Failed");
});

test("what failed, by either event", () => {
  const error_details = { code: "E1", message: "no room", retry_possible: false };
  for (const event of [
    { event_type: "orchestrator.lifecycle.failed", event_data: { failure_phase: "AIAnalysis", error_details } },
    {
      event_type: "orchestrator.lifecycle.completed",
      event_data: { outcome: "Failed", failure_phase: "AIAnalysis", error_details },
    },
  ]) {
    const fields = mapped(event);
    assert.equal(fields.text("status.overallPhase"), "Failed");
    assert.equal(fields.text("status.failurePhase"), "AIAnalysis");
    assert.equal(fields.text("status.failureReason"), "no room");
    assert.deepEqual(fields.get("status.error")?.value, { code: "E1", message: "no room" });
    assert.ok(!fields.has("status.outcome"));
  }
});

test("a block that is gone leaves an empty reason", () => {
  const blocked = {
    event_type: "orchestrator.routing.blocked",
    event_timestamp: at(1),
    event_data: { reason: "Busy" },
  };
  assert.equal(mapped(blocked).text("status.blockReason"), "Busy");
  assert.equal(mapped(blocked, moved("Blocked", "Executing", 2)).get("status.blockReason")?.value, "");
  assert.equal(mapped(moved("Blocked", "Executing", 0), blocked).text("status.blockReason"), "Busy");
});

test("ten thousand moves within one second are put in order without delay", () => {
  const count = 10_000;
  const moves = Array.from({ length: count }, (_, index) => moved(`p${count - index - 1}`, `p${count - index}`));
  const { events } = parseTrace("rr-made", traceRows(moves));
  const began = performance.now();
  const fields = new FieldMap();
  mapPhases(events, fields);
  assert.equal(fields.text("status.overallPhase"), `p${count}`);
  // Comparing each with each took two seconds and more.
  assert.ok(performance.now() - began < 500);
});
