import { fileURLToPath } from "node:url";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type RecordedEvent, type Recording, readRecording, recordedTraces } from "./recording.ts";

/** What JSON can say that an encoder on the way may change: one payload an event. */
const PAYLOADS: readonly JsonObject[] = [
  {},
  {
    event_type: "gateway.signal.received",
    severity: "critical",
    occurrence_count: 1,
    labels: { app: "web", "a.b/c": "" },
  },
  { zero: 0, off: false, nothing: null, empty_text: "", empty_list: [], empty_object: {} },
  { tenth: 0.1, negative: -1.5, small: 5e-7, tiny: 1e-7, large: 1e21, exact: Number.MAX_SAFE_INTEGER, half: 0.5 },
  { text: "ünïcödé, 日本語, 🚑, e\u0301, \u2028 and \u007f", schlüssel: "value", "": "empty key" },
  { markup: '<a href="x">&amp;</a>', path: 'C:\\temp\\"quoted"', control: "line\nfeed\ttab\u0001", slash: "a/b" },
  {
    list: [1, "two", true, null, [3, [4]], { five: [] }],
    matrix: [
      [0, 1],
      [1, 0],
    ],
  },
  { deep: nested(8) },
  { log: "OOMKilled; ".repeat(2000) },
  { __proto: "x", constructor: "y", "10": "ten", "9": "nine" },
];

/** Parts of the envelope that an emitter may leave out, each given by some event. */
const ENVELOPES: readonly JsonObject[] = [
  {},
  { event_version: "2.1", event_category: "gateway", event_action: "received", severity: "critical" },
  { actor_type: "user", actor_id: "zoë@example.com", resource_type: "Pod", resource_id: "demo/web-0" },
  { namespace: "demo-autoscale", cluster_name: "eu-west/1", duration_ms: "0" },
  { duration_ms: String(Number.MAX_SAFE_INTEGER), error_code: "E_TIMEOUT", error_message: "no answer in 30 s\nat all" },
  { retention_days: 30, is_sensitive: true },
  { parent_event_id: idOf(0), parent_event_date: "2026-02-28" },
];

const TYPES = [
  "gateway.signal.received",
  "aianalysis.phase.transition",
  "orchestrator.lifecycle.started",
  "workflowexecution.workflow.completed",
  "effectiveness.assessment.completed",
];

/**
 * Three remediations of our own making, their events mixed, many with the same timestamp, over the end of a month: every
 * optional field of the envelope, every outcome, and payloads that try the encoders.
 */
export const sample: Recording = {
  name: "sample",
  events: Array.from({ length: 70 }, (_, index) => eventAt(index)),
};

const example = readRecording(fileURLToPath(new URL("../../examples/remediation.jsonl", import.meta.url)));

/** The sample, the example that the README uses, and what there is of recorded remediations. */
export const recordings: readonly Recording[] = [sample, example, ...(recordedTraces() ?? [])];

function eventAt(index: number): RecordedEvent {
  const micros = index % 3 === 0 ? `.${String(index).padStart(6, "0")}` : "";
  const [day, hour] = index < 35 ? ["2026-02-28", "23:59"] : ["2026-03-01", "00:00"];
  return {
    event_id: idOf(index),
    event_timestamp: `${day}T${hour}:${String(Math.floor(index / 4)).padStart(2, "0")}${micros}Z`,
    event_type: pick(TYPES, index),
    event_outcome: pick(["success", "failure", "pending"], index),
    correlation_id: `rr-sample-${pick(["a", "b", "c"], Math.floor(index / 2))}`,
    event_data: pick(PAYLOADS, index),
    ...pick(ENVELOPES, index),
  };
}

function idOf(index: number): string {
  return `019c9a00-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;
}

function nested(levels: number): JsonValue {
  return levels === 0 ? "bottom" : { level: nested(levels - 1) };
}

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}
