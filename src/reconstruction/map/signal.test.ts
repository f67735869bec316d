import assert from "node:assert/strict";
import { test } from "node:test";
import { type MadeEvent, traceRows } from "../../../test/support/trace_rows.ts";
import { FieldMap } from "../facts/field_map.ts";
import { parseTrace } from "../parse/parse.ts";
import { mapDeduplication, mapSignal } from "./signal.ts";

function mapped(...events: MadeEvent[]): FieldMap {
  const fields = new FieldMap();
  for (const event of parseTrace("rr-made", traceRows(events)).events) {
    mapSignal(event, fields);
    mapDeduplication(event, fields);
  }
  return fields;
}

const at = (second: number) => `2026-01-01T00:00:0${second}Z`;

test("the signal received counts over the events that stand in for it, also over later ones", () => {
  const event_data = (name: string) => ({ signal_name: name, signal_type: "alert", signal_labels: { [name]: "1" } });
  const fields = mapped(
    { event_type: "gateway.signal.received", event_timestamp: at(1), event_data: event_data("received") },
    {
      event_type: "gateway.crd.created",
      event_timestamp: at(2),
      event_data: { ...event_data("created"), severity: "low" },
    },
  );
  assert.equal(fields.text("spec.signalName"), "received");
  assert.equal(fields.text("spec.severity"), "low");
  assert.equal(fields.text("spec.receivedTime"), at(1));
  assert.ok(fields.has('spec.signalLabels["received"]') && fields.has('spec.signalLabels["created"]'));
});

test("apifrontend.rr.created stands in alone", () => {
  const event_data = { signal_name: "X", signal_type: "manual", resource_kind: "Node", resource_name: "n1" };
  const fields = mapped({ event_type: "apifrontend.rr.created", event_data });
  assert.deepEqual(fields.get("spec.targetResource")?.value, { kind: "Node", name: "n1" });
  assert.equal(fields.text("status.signalTargetDisplay"), "Node/n1");
});

test("the highest count stays, for repeats of one second arrive in any order", () => {
  const repeat = (occurrence_count: number) => ({
    event_type: "gateway.signal.deduplicated",
    event_data: { occurrence_count },
  });
  assert.equal(mapped(repeat(14), repeat(11)).get("status.deduplication.occurrenceCount")?.value, 14);
});

test("a label that is no text is written out, one that is no scalar is left out", () => {
  const event_data = { signal_labels: { port: 80, up: true, bad: {}, none: null } };
  const fields = mapped({ event_type: "gateway.signal.received", event_data });
  assert.equal(fields.text('spec.signalLabels["port"]'), "80");
  assert.equal(fields.text('spec.signalLabels["up"]'), "true");
  assert.ok(!fields.has('spec.signalLabels["bad"]') && !fields.has('spec.signalLabels["none"]'));
});
