// The resources of a remediation beside its request, rebuilt from traces.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { load } from "js-yaml";
import { ResourceKind } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { Fault } from "../../src/fault.ts";
import type { Json, JsonObject } from "../../src/integrity/canonical.ts";
import type { Kind } from "../../src/reconstruction/kind.ts";
import { KINDS } from "../../src/reconstruction/kinds/kinds.ts";
import { reconstruct } from "../../src/reconstruction/reconstruct.ts";
import type { Reconstructed, TraceRow } from "../../src/reconstruction/trace.ts";
import { schemaWarnings } from "../../src/reconstruction/validate/validate.ts";
import { byCorrelation, type RecordedEvent, readRecording, recordedTraces } from "../interop/recording.ts";
import { type MadeEvent, traceRows } from "../support/trace_rows.ts";

const OURS = new URL("../../examples/remediation.jsonl", import.meta.url).pathname;
const GOLDEN = new URL("golden/resources.yaml", import.meta.url).pathname;

const KINDS_BESIDE = [...KINDS].filter(([kind]) => kind !== ResourceKind.REMEDIATION_REQUEST);

interface Trace {
  readonly name: string;
  readonly id: string;
  readonly sent: readonly RecordedEvent[];
  readonly rows: TraceRow[];
}

const traces: Trace[] = [readRecording(OURS), ...(recordedTraces() ?? [])].flatMap(({ name, events }) =>
  [...byCorrelation(events)]
    .filter(([id]) => id.startsWith("rr-"))
    .map(([id, sent]) => ({ name, id, sent, rows: traceRows(sent as unknown as MadeEvent[], id) })),
);
const [example] = traces as [Trace];

function rebuild(kind: Kind, rows: readonly TraceRow[]): Reconstructed {
  return reconstruct(kind, rows, { correlationId: rows[0]?.correlation_id ?? "" });
}

/** Undefined where no event tells of the object. */
function rebuildIfTold(kind: Kind, rows: readonly TraceRow[]): Reconstructed | undefined {
  try {
    return rebuild(kind, rows);
  } catch (error) {
    assert.ok(error instanceof Fault, String(error));
    return undefined;
  }
}

function kindOf(kind: ResourceKind): Kind {
  return KINDS.get(kind) as Kind;
}

test("every kind of the contract can be rebuilt", () => {
  const asked = Object.values(ResourceKind).filter((kind) => typeof kind === "number" && kind !== 0);
  assert.deepEqual([...KINDS.keys()], asked);
});

test("the resources of a trace of our own are as the golden file has them", () => {
  const text = KINDS_BESIDE.map(([, kind]) => rebuild(kind, example.rows).yaml).join("---\n");
  assert.equal(text, readFileSync(GOLDEN, "utf8"));
});

const COMPLETENESS: Readonly<Record<string, readonly (number | undefined)[]>> = {
  "disk-pressure": [0.625, 0.7333, 1, 1, 1, undefined],
  autoscale: [1, 1, 1, 1, undefined, undefined],
};

for (const { name, rows, sent } of traces) {
  test(`${name}: each field of each resource says what the payload of its event says`, () => {
    for (const [, kind] of KINDS_BESIDE) {
      const rebuilt = rebuildIfTold(kind, rows);
      if (rebuilt === undefined) continue;
      assert.deepEqual(rebuilt.warnings, []);
      assert.ok(rebuilt.chain.verified);
      for (const source of rebuilt.provenance) assertTold(rebuilt.object, source, sent);
    }
  });

  const key = Object.keys(COMPLETENESS).find((known) => name.includes(known));
  if (key !== undefined) {
    test(`${name}: how complete each resource is`, () => {
      const shares = KINDS_BESIDE.map(([, kind]) => rebuildIfTold(kind, rows)?.completeness);
      assert.deepEqual(shares, COMPLETENESS[key]);
    });
  }

  for (const [, kind] of KINDS_BESIDE) {
    test(`${name}: any part of the trace rebuilds a ${kind.kind}, and one event more fills no fewer fields`, () => {
      const kept = fc.array(fc.boolean(), { minLength: rows.length, maxLength: rows.length });
      fc.assert(
        fc.property(kept, fc.nat(rows.length - 1), (keep, added) => {
          const some = rebuildIfTold(
            kind,
            rows.filter((_, place) => keep[place] && place !== added),
          );
          const more = rebuildIfTold(
            kind,
            rows.filter((_, place) => keep[place] || place === added),
          );
          if (some === undefined) return;
          assert.ok(more !== undefined);
          assert.deepEqual(schemaWarnings(kind, more.object), []);
          if (nameOf(some) !== nameOf(more)) return;
          const paths = new Set(more.provenance.map(({ path }) => path));
          for (const { path } of some.provenance) assert.ok(paths.has(path), `${path} is gone`);
        }),
        { numRuns: 15 },
      );
    });
  }

  test(`${name}: rows in any order give the same resources`, () => {
    for (const [, kind] of KINDS_BESIDE) {
      const whole = rebuildIfTold(kind, rows);
      if (whole === undefined) continue;
      const { object } = rebuild(kind, rows.toReversed());
      assert.deepEqual([object["spec"], object["status"]], [whole.object["spec"], whole.object["status"]]);
      assert.equal(rebuild(kind, rows).yaml, whole.yaml);
    }
  });
}

test("payloads with members of any type never throw and keep to the schema", () => {
  const types = [...new Set(example.sent.map((event) => String(event["event_type"])))];
  const keys = [...new Set(example.sent.flatMap((event) => Object.keys(event["event_data"] as object)))];
  const payload = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 2 }));
  const event = fc.record({ event_type: fc.constantFrom(...types), event_data: payload });
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 8 }), (events) => {
      const rows = traceRows(events as MadeEvent[]);
      for (const [, kind] of KINDS_BESIDE) {
        const rebuilt = rebuildIfTold(kind, rows);
        if (rebuilt !== undefined) assert.deepEqual(schemaWarnings(kind, rebuilt.object), []);
      }
    }),
    { numRuns: 200 },
  );
});

test("of several executions and notifications the last, with nothing of the others", () => {
  const upTo = (type: string) => {
    const end = example.sent.findIndex((event) => event["event_type"] === type);
    return example.rows.slice(0, end + 1);
  };
  const execution = kindOf(ResourceKind.WORKFLOW_EXECUTION);
  const first = rebuild(execution, upTo("workflowexecution.block.cleared"));
  const status = first.object["status"] as JsonObject;
  assert.equal(nameOf(first), `we-${example.id}`);
  assert.equal(status["phase"], "Failed");
  assert.equal((status["failureDetails"] as JsonObject)["reason"], "QuotaExceeded");
  assert.equal((status["blockClearance"] as JsonObject)["clearedBy"], "tomas.reyes@nordlicht.example");
  const last = rebuild(execution, example.rows);
  assert.equal(nameOf(last), `we-${example.id}-2`);
  assert.equal((last.object["status"] as JsonObject)["failureDetails"], undefined);

  const notification = kindOf(ResourceKind.NOTIFICATION_REQUEST);
  const approval = rebuild(notification, upTo("webhook.remediationapprovalrequest.decided"));
  assert.equal(nameOf(approval), `nr-approval-${example.id}`);
  const attempts = (approval.object["status"] as JsonObject)["deliveryAttempts"] as JsonObject[];
  assert.deepEqual(
    attempts.map(({ channel, status }) => [channel, status]),
    [
      ["slack", "failed"],
      ["email", "success"],
    ],
  );
});

test("a processing that the orchestrator went on from is completed, also where the events of its end are not there yet", () => {
  const at = { event_timestamp: "2026-01-01T00:00:00Z" };
  const rows = traceRows([
    {
      ...at,
      event_type: "orchestrator.lifecycle.transitioned",
      event_data: { from_phase: "Processing", to_phase: "Analyzing" },
    },
    { ...at, event_type: "signalprocessing.phase.transition", event_data: { to_phase: "Categorizing" } },
  ]);
  const { object } = rebuild(kindOf(ResourceKind.SIGNAL_PROCESSING), rows);
  assert.equal((object["status"] as JsonObject)["phase"], "Completed");
});

test("a request for approval has no decision before there is one", () => {
  const end = example.sent.findIndex((event) => event["event_type"] === "orchestrator.approval.requested");
  const asked = rebuild(kindOf(ResourceKind.REMEDIATION_APPROVAL_REQUEST), example.rows.slice(0, end + 1));
  assert.deepEqual(Object.keys(asked.object["status"] as JsonObject), ["createdAt"]);
  assert.equal(asked.completeness, 1);
});

test("a trace without any event of a resource says so", () => {
  const rows = traceRows([
    { event_type: "orchestrator.lifecycle.created", event_data: { rr_name: "a", namespace: "b" } },
  ]);
  for (const [, kind] of KINDS_BESIDE) {
    assert.throws(() => rebuild(kind, rows), /none tells of the/, kind.kind);
  }
});

const data = process.env["DATASTORAGE_TEST_DATA"];
const skip = data === undefined && "DATASTORAGE_TEST_DATA is not set";

test("the assessment that a cluster had differs only in what the documentation names", { skip }, () => {
  assert.deepEqual(differencesFrom("disk-pressure-emptydir-ea.yaml", ResourceKind.EFFECTIVENESS_ASSESSMENT), [
    "status.components.currentSpecHash",
    "status.conditions",
  ]);
});

test("the analysis that a cluster had differs only in what the documentation names", { skip }, () => {
  assert.deepEqual(differencesFrom("disk-pressure-emptydir-aa.yaml", ResourceKind.AI_ANALYSIS), [
    "spec.analysisRequest.analysisTypes",
    // This trace has no event of the processing of its signal.
    "spec.analysisRequest.signalContext.businessPriority",
    "spec.analysisRequest.signalContext.enrichmentResults",
    "spec.analysisRequest.signalContext.environment",
    "spec.analysisRequest.signalContext.severity",
    "spec.analysisRequest.signalContext.signalMode",
    "spec.analysisRequest.signalContext.signalName",
    "spec.remediationRequestRef.uid",
    "status.actionability",
    "status.conditions",
    "status.investigationSession",
    // Nor one of how the analysis itself went on.
    "status.investigationTime",
    "status.message",
    "status.observedGeneration",
    "status.postRCAContext",
    "status.rootCauseAnalysis.signalType",
    "status.selectedWorkflow.executionEngine",
    "status.selectedWorkflow.rationale",
    "status.startedAt",
    "status.totalAnalysisTime",
  ]);
});

test("the resources that a cluster had of an older remediation have no field but known ones", { skip }, () => {
  const shape = (file: string, asked: ResourceKind, part: string) => {
    const real = load(readFileSync(join(data as string, "requests", file), "utf8")) as JsonObject;
    const properties = (kindOf(asked).schema as { properties: Record<string, { properties: object }> }).properties;
    const known = new Set(Object.keys(properties[part]?.properties ?? {}));
    return Object.keys(real[part] as JsonObject).filter((name) => !known.has(name));
  };
  const processing = "disk-pressure-emptydir-sp.json";
  assert.deepEqual(shape(processing, ResourceKind.SIGNAL_PROCESSING, "spec"), ["enrichmentConfig"]);
  assert.deepEqual(shape(processing, ResourceKind.SIGNAL_PROCESSING, "status"), [
    "conditions",
    "kubernetesContext",
    "observedGeneration",
    "sourceSignalName",
  ]);
  const execution = "disk-pressure-emptydir-wfe.json";
  assert.deepEqual(shape(execution, ResourceKind.WORKFLOW_EXECUTION, "spec"), ["executionConfig", "rationale"]);
  assert.deepEqual(shape(execution, ResourceKind.WORKFLOW_EXECUTION, "status"), ["conditions", "observedGeneration"]);
});

/** Paths of spec and status in which the object that a cluster had and the one rebuilt differ. */
function differencesFrom(file: string, asked: ResourceKind): string[] {
  const real = load(readFileSync(join(data as string, "requests", file), "utf8")) as JsonObject;
  const trace = traces.find(({ name }) => name.includes("disk-pressure")) as Trace;
  const { object } = rebuild(kindOf(asked), trace.rows);
  assert.deepEqual(nameOf({ object }), nameOf({ object: real }));
  return ["spec", "status"].flatMap((part) => differences(real[part], object[part], part));
}

function differences(left: Json | undefined, right: Json | undefined, path: string): string[] {
  if (!isPlain(left) || !isPlain(right)) return JSON.stringify(left) === JSON.stringify(right) ? [] : [path];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return keys.flatMap((key) => differences(left[key], right[key], `${path}.${key}`));
}

function nameOf({ object }: Pick<Reconstructed, "object">): unknown {
  return (object["metadata"] as JsonObject)["name"];
}

/** What is made of several members of an event, or follows from one. The golden file has them, and tests of their own. */
const WORKED_OUT: ReadonlySet<string> = new Set([
  "spec.signal.providerData",
  "spec.signal.source",
  "spec.signal.targetType",
  "spec.signal.targetResource",
  "spec.analysisRequest.signalContext.targetResource",
  "spec.signalTarget",
  "spec.aiAnalysisRef",
  "spec.remediationRequestRef",
  "spec.remediationId",
  "spec.workflowRef",
  "spec.recommendedWorkflow",
]);

/** Compares a field with the place in the event that it came from. */
function assertTold(object: JsonObject, source: Reconstructed["provenance"][number], sent: readonly RecordedEvent[]) {
  const event = sent[source.position - 1] as RecordedEvent;
  assert.equal(event["event_type"], source.eventType);
  if (source.path.includes("deliveryAttempts") || WORKED_OUT.has(source.path)) return;
  const value = at(object, source.path);
  const raw = at(event as unknown as JsonObject, source.source);
  assert.notEqual(value, undefined, source.path);
  // That the remediation went on to the analysis says that the processing was completed.
  if (source.source === "event_type" || raw === "Analyzing") return;
  if (isPartOf(value, raw)) return;
  assert.ok(forms(raw).includes(canonical(value)), `${source.path}: ${canonical(value)} of ${canonical(raw)}`);
}

/** Whether all that an object or a list has is what the payload has there, which may have more members. */
function isPartOf(value: Json | undefined, raw: Json | undefined): boolean {
  if (Array.isArray(value) && Array.isArray(raw)) {
    return value.length === raw.length && value.every((item, index) => isPartOf(item, raw[index]));
  }
  if (!isPlain(value) || !isPlain(raw)) return canonical(value) === canonical(raw);
  return (
    Object.keys(value).length > 0 && Object.keys(value).every((key) => canonical(value[key]) === canonical(raw[key]))
  );
}

/** What may become of a text: itself, a time in seconds, with a capital at its start; and of `namespace/Kind/name`. */
function forms(raw: Json | undefined): string[] {
  const text = String(raw);
  const time = Number.isNaN(Date.parse(text)) ? "" : `${new Date(text).toISOString().slice(0, 19)}Z`;
  const [namespace = "", kind = "", name = ""] = text.split("/");
  return [raw, text, time, `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`, { kind, name, namespace }].map(
    canonical,
  );
}

function canonical(value: Json | undefined): string {
  return JSON.stringify(value) ?? "undefined";
}

function at(root: JsonObject, path: string): Json | undefined {
  const steps = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  let value: Json | undefined = root;
  for (const [, key, index, name] of steps) {
    const member: string = key === undefined ? (index ?? name ?? "") : (JSON.parse(`"${key}"`) as string);
    value = (value as JsonObject | undefined)?.[member];
  }
  return value;
}

function isPlain(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
