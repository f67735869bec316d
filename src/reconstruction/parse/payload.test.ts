import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../integrity/canonical.ts";
import { readPayload } from "./payload.ts";

function read(type: string, data: JsonObject) {
  const reports: string[] = [];
  return { ...readPayload(type, data, (name, must) => reports.push(`${name} ${must}`)), reports };
}

test("a payload becomes the message of its emitter; members that it does not name are kept", () => {
  const { payload, reports } = read("gateway.signal.received", {
    signal_name: "X",
    occurrence_count: 2,
    novel: { a: 1 },
  });
  assert.ok(payload.of === "gateway");
  assert.equal(payload.value.signalName, "X");
  assert.equal(payload.value.occurrenceCount, 2);
  assert.deepEqual(payload.value.additionalFields, { novel: { a: 1 } });
  assert.deepEqual(reports, []);
});

test("members of another type are told and left out", () => {
  const data = { rr_name: 1, duration_ms: "2", timeout_config: [], namespace: "n", outcome: null };
  const { payload, data: good, reports } = read("orchestrator.lifecycle.created", data);
  assert.deepEqual(reports, [
    "rr_name must be a text",
    "duration_ms must be a number",
    "timeout_config must be an object",
  ]);
  assert.deepEqual(good, { namespace: "n", outcome: null });
  assert.ok(payload.of === "orchestrator" && payload.value.namespace === "n" && payload.value.rrName === undefined);
});

test("a type without a message", () => {
  const { payload, data, reports } = read("notification.message.sent", { notification_id: 7, body: 7 });
  assert.deepEqual([payload, data, reports], [{ of: "other" }, { body: 7 }, ["notification_id must be a text"]]);
});
