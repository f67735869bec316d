// What no trace should do to a reconstruction.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Fault } from "../../src/fault.ts";
import type { JsonObject } from "../../src/integrity/canonical.ts";
import { reconstruct } from "../../src/reconstruction/reconstruct.ts";
import { REMEDIATION_REQUEST } from "../../src/reconstruction/remediation_request.ts";
import type { Reconstructed, TraceRow } from "../../src/reconstruction/trace.ts";
import { type RecordedEvent, readRecording, recordedTraces } from "../interop/recording.ts";
import { type MadeEvent, traceRows } from "../support/trace_rows.ts";

const examples = readRecording(new URL("../../examples/remediation.jsonl", import.meta.url).pathname).events;
const example = examples.filter(({ correlation_id }) => correlation_id === examples[0]?.correlation_id);
const traces: readonly (readonly RecordedEvent[])[] = [
  example,
  ...(recordedTraces() ?? []).map(({ events }) => events),
];

function rebuild(rows: readonly TraceRow[], options: { namespace?: string } = {}): Reconstructed {
  return reconstruct(REMEDIATION_REQUEST, rows, { correlationId: rows[0]?.correlation_id ?? "", ...options });
}

function rowsOf(events: readonly RecordedEvent[]): TraceRow[] {
  return traceRows(events as unknown as MadeEvent[], events[0]?.correlation_id);
}

/** Without the facts that count events. */
function fieldsOf(rows: readonly TraceRow[]): string[] {
  try {
    return rebuild(rows).provenance.map(({ path }) => path);
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return [];
  }
}

for (const [index, events] of traces.entries()) {
  const all = rowsOf(events);
  test(`trace ${index}: any subset rebuilds, the same twice, and one event more fills no fewer fields`, () => {
    const kept = fc.array(fc.boolean(), { minLength: all.length, maxLength: all.length });
    fc.assert(
      fc.property(kept, fc.nat(all.length - 1), (keep, added) => {
        const some = all.filter((_, place) => keep[place] && place !== added);
        const more = all.filter((_, place) => keep[place] || place === added);
        const fields = new Set(fieldsOf(more));
        for (const path of fieldsOf(some)) assert.ok(fields.has(path), `${path} is gone`);
        if (fields.size > 0) assert.equal(rebuild(more).yaml, rebuild(more).yaml);
      }),
      { numRuns: 60 },
    );
  });

  test(`trace ${index}: any interleaving of the rows gives the same object`, () => {
    const whole = rebuild(all);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        const { object, provenance } = rebuild(shuffled);
        assert.deepEqual([object["spec"], object["status"]], [whole.object["spec"], whole.object["status"]]);
        assert.deepEqual(provenance, whole.provenance);
      }),
      { numRuns: 20 },
    );
  });

  test(`trace ${index}: any order of arrival is taken without a throw, with the same fields filled`, () => {
    const paths = fieldsOf(all);
    fc.assert(
      fc.property(fc.shuffledSubarray([...events], { minLength: events.length }), (shuffled) => {
        assert.deepEqual(fieldsOf(rowsOf(shuffled)), paths);
      }),
      { numRuns: 20 },
    );
  });
}

test("payloads of any shape", () => {
  const types = [...new Set(traces.flat().map(({ event_type }) => String(event_type)))];
  const names = [...new Set(traces.flat().flatMap(({ event_data }) => Object.keys(event_data)))];
  const data = fc.dictionary(fc.constantFrom(...names, "__proto__", "toString"), fc.jsonValue({ maxDepth: 3 }), {
    noNullPrototype: true,
  });
  const event = fc.record({ event_type: fc.constantFrom(...types), event_data: data });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), (events) => {
      const rows = traceRows(wellFormed(events));
      const fields = fieldsOf(rows);
      if (fields.length === 0) return;
      const { yaml, json, chain } = rebuild(rows);
      assert.ok(yaml.length > 0 && JSON.parse(json));
      assert.ok(chain.verified);
    }),
    { numRuns: 300 },
  );
});

function wellFormed(events: readonly MadeEvent[]): MadeEvent[] {
  const text = JSON.stringify(events).replaceAll(/\\ud[89a-f][0-9a-f]{2}|\\u0000/gi, "");
  return JSON.parse(text) as MadeEvent[];
}

test("10,000 events", () => {
  const [first, ...rest] = example as unknown as MadeEvent[];
  const repeated = Array.from({ length: 10_000 - example.length }, (_, index) => ({
    event_type: "gateway.signal.deduplicated",
    event_timestamp: "2026-09-14T09:00:00Z",
    event_data: { occurrence_count: index + 7, signal_name: "ContainerOOMKilled" },
  }));
  const rows = traceRows([first as MadeEvent, ...repeated, ...rest], example[0]?.correlation_id);
  const { object, eventsRead, chain } = rebuild(rows);
  assert.equal(eventsRead, 10_000);
  assert.deepEqual(chain, { verified: true, checked: 10_000 });
  const { deduplication, overallPhase } = object["status"] as JsonObject;
  assert.equal(overallPhase, "Completed");
  assert.equal((deduplication as JsonObject)["occurrenceCount"], 10_000 - example.length + 6);
});

test("an event that cannot be read is a warning that names it, and so is a member of another type", () => {
  const rows = rowsOf(example);
  const broken = rows.map((row, index) => (index === 40 ? { ...row, event_data: '{"cut' } : row));
  const received = rows.findIndex(({ event_type }) => event_type === "gateway.signal.received");
  broken[received] = { ...(rows[received] as TraceRow), event_data: '{"signal_name":7,"signal_type":"alert"}' };
  const { warnings, chain, object } = rebuild(broken);
  assert.deepEqual(
    warnings.map(({ eventId, reason }) => [eventId, reason]),
    [
      [rows[received]?.event_id, "FIELD_NOT_PARSEABLE"],
      [rows[40]?.event_id, "EVENT_NOT_PARSEABLE"],
    ],
  );
  assert.equal(warnings[0]?.message, "event_data.signal_name must be a text");
  assert.equal(chain.firstBad?.eventId, rows[received]?.event_id);
  assert.equal(chain.firstBad?.problem, "its hash is not that of its content");
  // gateway.crd.created stands in.
  assert.equal((object["spec"] as JsonObject)["signalName"], "ContainerOOMKilled");
});

test("events of two requests in two namespaces", () => {
  const signal = (namespace: string) => [
    {
      event_type: "gateway.signal.received",
      event_data: { signal_name: namespace, signal_type: "alert", remediation_request: `${namespace}/rr-made` },
    },
    {
      event_type: "orchestrator.lifecycle.transitioned",
      event_data: { rr_name: "rr-made", namespace, from_phase: "Pending", to_phase: `At${namespace}` },
    },
  ];
  const [a, b] = [signal("a"), signal("b")];
  const rows = traceRows([a[0], b[0], b[1], a[1]] as MadeEvent[]);
  for (const [asked, told] of [
    ["", "a"],
    ["a", "a"],
    ["b", "b"],
  ] as const) {
    const { object, warnings } = rebuild(rows, { namespace: asked });
    assert.equal((object["metadata"] as JsonObject)["namespace"], told);
    assert.equal((object["spec"] as JsonObject)["signalName"], told);
    assert.equal((object["status"] as JsonObject)["overallPhase"], `At${told}`);
    assert.deepEqual(
      warnings.map(({ reason }) => reason),
      ["SEVERAL_NAMESPACES"],
    );
  }
  assert.throws(
    () => rebuild(rows, { namespace: "c" }),
    /no event tells of a request in namespace c; they tell of one in a, b/,
  );
});

test("names of any length, and text of any script", () => {
  const received = {
    event_type: "gateway.signal.received",
    event_data: { signal_name: "Überlast 過負荷", signal_type: "alert" },
  };
  for (const [name, expected] of [
    ["r".repeat(30), "r".repeat(30)],
    ["r".repeat(253), "r".repeat(253)],
  ] as const) {
    const { object, warnings } = rebuild(traceRows([received], name), { namespace: "n" });
    const { name: given, labels } = object["metadata"] as { name: string; labels: Record<string, string> };
    assert.equal(given, expected);
    assert.match(labels["reconstruction.kubernaut.ai/correlation-id"] as string, /^r{1,63}(-[0-9a-f]{8})?$/);
    assert.deepEqual(warnings, []);
  }
  const odd = rebuild(traceRows([received], "Größe/過 負荷"), { namespace: "n" });
  assert.match((odd.object["metadata"] as { name: string }).name, /^gr-e-[0-9a-f]{8}$/);
  assert.deepEqual(
    odd.warnings.map(({ reason }) => reason),
    ["NAME_NOT_VALID"],
  );
  assert.equal((odd.object["spec"] as JsonObject)["signalName"], "Überlast 過負荷");
});

test("a payload of 250 KiB", () => {
  const text = "é\n: # - 'x' ".repeat(20_000);
  const event_data = { signal_name: "Big", signal_type: "alert", original_payload: { alerts: [], text } };
  const { object } = rebuild(traceRows([{ event_type: "gateway.signal.received", event_data }]));
  const original = (object["spec"] as { originalPayload: string }).originalPayload;
  assert.equal((JSON.parse(original) as { text: string }).text, text);
});

test("nothing there, nothing relevant, nothing readable, too little", () => {
  const reasonOf = (rows: readonly TraceRow[], minimumCompleteness = 0): string => {
    try {
      reconstruct(REMEDIATION_REQUEST, rows, { correlationId: "rr-made", minimumCompleteness });
    } catch (error) {
      assert.ok(error instanceof Fault);
      return error.details.reason;
    }
    return "";
  };
  assert.equal(reasonOf([]), "REMEDIATION_NOT_FOUND");
  assert.equal(reasonOf(traceRows([{ event_type: "cat.meow" }])), "NO_RELEVANT_EVENTS");
  const broken = traceRows([{ event_type: "gateway.signal.received" }]).map((row) => ({ ...row, event_data: "[" }));
  assert.equal(reasonOf(broken), "NOT_PARSEABLE");
  assert.equal(reasonOf(traceRows([{ event_type: "orchestrator.lifecycle.started" }]), 0.5), "TOO_INCOMPLETE");
});
