// Recorded remediations through the service and its database, read by the one statement and rebuilt.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import { load, YAML11_SCHEMA } from "js-yaml";
import { RemediationRequestSchema } from "../../gen/ts/kubernaut/reconstruction/v1/remediation_request_pb.ts";
import { Fault } from "../../src/fault.ts";
import type { Json, JsonObject } from "../../src/integrity/canonical.ts";
import { Database } from "../../src/postgres/database.ts";
import { jsonText, yamlText } from "../../src/reconstruction/build/text.ts";
import { TraceReader } from "../../src/reconstruction/query/trace_reader.ts";
import { reconstruct } from "../../src/reconstruction/reconstruct.ts";
import { REMEDIATION_REQUEST } from "../../src/reconstruction/remediation_request.ts";
import type { AsOf, Reconstructed } from "../../src/reconstruction/trace.ts";
import { schemaWarnings } from "../../src/reconstruction/validate/validate.ts";
import {
  batchesOf,
  byCorrelation,
  type RecordedEvent,
  readRecording,
  recordedTraces,
  toMessage,
} from "../interop/recording.ts";
import { type AuditTestService, startAuditService } from "../support/audit_service.ts";

const OURS = new URL("../../examples/remediation.jsonl", import.meta.url).pathname;
const GOLDEN = new URL("golden/remediation.yaml", import.meta.url).pathname;
const recordings = [readRecording(OURS), ...(recordedTraces() ?? [])];

describe("remediations in the database", () => {
  let service: AuditTestService;
  let database: Database;
  const signal = new AbortController().signal;
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends) await end();
  });
  before(async () => {
    service = await startAuditService({ after: (end) => void ends.push(end) });
    const options = { connections: 1, applicationName: "test", statementTimeoutMs: 5000 };
    database = new Database({ ...options, url: service.database.url });
    service.closeFirst(() => database.end());
    for (const { events } of recordings) {
      for (const batch of batchesOf(events, 100)) {
        await service.client.recordEvents({ events: batch.map((event) => toMessage(event, "json")) });
      }
    }
  });

  async function rebuild(correlationId: string, asOf?: AsOf): Promise<Reconstructed> {
    const rows = await new TraceReader(database).read(correlationId, asOf, signal);
    return reconstruct(REMEDIATION_REQUEST, rows, { correlationId, ...(asOf && { asOf }) });
  }

  for (const { name, events } of recordings) {
    for (const [id, sent] of byCorrelation(events)) {
      // The agent records some events under the name of the analysis.
      if (!id.startsWith("rr-")) continue;
      test(`${name}: ${id} says in each field what the payload of its event says`, async () => {
        const rebuilt = await rebuild(id);
        assert.deepEqual(rebuilt.warnings, []);
        assert.deepEqual(rebuilt.chain, { verified: true, checked: sent.length });
        assert.deepEqual(rebuilt.missing, []);
        assert.equal(rebuilt.completeness, 1);
        assertTold(rebuilt, sent);
        assertTexts(rebuilt);
        const message = fromJson(RemediationRequestSchema, rebuilt.object as never);
        assert.equal(message.metadata?.name, id);
        assert.equal((await rebuild(id)).yaml, rebuilt.yaml);
      });
    }
  }

  test("a trace of our own is rebuilt as the golden file has it", async () => {
    const [id] = [...byCorrelation(recordings[0]?.events ?? []).keys()];
    const { yaml } = await rebuild(id as string);
    assert.equal(yaml, readFileSync(GOLDEN, "utf8"));
  });

  test("as it was at a place of the chain, and at a time", async () => {
    const [events] = [...byCorrelation(recordings[0]?.events ?? []).values()];
    const sent = events as readonly RecordedEvent[];
    const id = sent[0]?.correlation_id as string;
    const asked = sent.findIndex((event) => event["event_type"] === "orchestrator.approval.requested");
    const phaseOf = ({ object }: Reconstructed) => (object["status"] as JsonObject)["overallPhase"];
    const at = await rebuild(id, { position: asked + 1 });
    assert.deepEqual([phaseOf(at), at.eventsRead, at.chain.verified], ["AwaitingApproval", asked + 1, true]);
    const time = String(sent[asked]?.["event_timestamp"]);
    const then = await rebuild(id, { time });
    assert.equal(phaseOf(then), "AwaitingApproval");
    assert.equal((then.object["status"] as JsonObject)["completedAt"], undefined);
    assert.ok(then.chain.verified);
    await assert.rejects(rebuild(id, { time: "2001-01-01T00:00:00.000000Z" }), /that old/);
    await assert.rejects(rebuild("rr-nobody"), /no event has this correlation_id/);
  });

  test("no more of a trace is read than there is room for", async () => {
    const [[id, sent]] = [...byCorrelation(recordings[0]?.events ?? [])] as [[string, readonly RecordedEvent[]]];
    const read = (events: number, payload: number, asOf?: AsOf) =>
      new TraceReader(database, { events, payload }).read(id, asOf, signal);
    const plenty = 1e9;
    assert.equal((await read(sent.length, plenty)).length, sent.length);
    await assert.rejects(read(sent.length - 1, plenty), (error) => {
      assert.ok(error instanceof Fault);
      const { reason, metadata } = error.details;
      assert.deepEqual(
        [error.kind, reason, metadata],
        ["precondition", "TRACE_TOO_LARGE", { last_position: String(sent.length - 1) }],
      );
      return true;
    });
    await assert.rejects(read(plenty, 1000), /characters of payloads/);
    assert.equal((await read(7, plenty, { position: 7 })).length, 7);
  });

  const data = process.env["DATASTORAGE_TEST_DATA"];
  const skip = data === undefined && "DATASTORAGE_TEST_DATA is not set";
  test("the object that a cluster had differs only in what docs/reconstruction.md names", { skip }, async () => {
    const file = join(data as string, "requests/disk-pressure-emptydir-rr.yaml");
    const real = load(readFileSync(file, "utf8")) as JsonObject;
    const { object } = await rebuild((real["metadata"] as { name: string }).name);
    assert.deepEqual(differences(real, object), DIFFERENCES);
    const originals = [real, object].map((one) =>
      JSON.parse((one["spec"] as { originalPayload: string }).originalPayload),
    );
    assert.deepEqual(originals[1], originals[0]);
  });
});

/** Every field in which a rebuilt object differs from the real one, annotations and labels of the reconstruction apart. */
const DIFFERENCES = [
  "metadata.creationTimestamp",
  "metadata.generation",
  "metadata.labels.app.kubernetes.io/managed-by",
  "metadata.resourceVersion",
  "metadata.uid",
  "spec.originalPayload",
  "status.conditions",
  "status.executionRef",
  "status.observedGeneration",
  "status.retentionExpiryTime",
  "status.verificationDeadline",
];

function differences(left: Json | undefined, right: Json | undefined, path = ""): string[] {
  if (path.includes("reconstruction.kubernaut.ai/")) return [];
  if (!isPlain(left) || !isPlain(right)) {
    return JSON.stringify(left) === JSON.stringify(right) ? [] : [path];
  }
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return keys.flatMap((key) => differences(left[key], right[key], path === "" ? key : `${path}.${key}`));
}

function isPlain(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields whose value is made of the member named, and how. */
const MADE: Readonly<Record<string, (value: Json, event: RecordedEvent) => unknown>> = {
  "spec.originalPayload": (value) => JSON.parse(value as string),
  "spec.providerData": (value) => (JSON.parse(value as string) as { labels: unknown }).labels,
  "spec.targetResource": (value) => (value as JsonObject)["kind"],
  "status.signalTargetDisplay": (value) => (value as string).split("/")[0],
  "status.approval.decision": (value) => (value === "AutoApproved" ? true : value),
  "status.confidence": Number,
  "status.error": (value, event) => ({
    ...(event.event_data["error_details"] as JsonObject),
    ...(value as JsonObject),
  }),
  "status.outcome": (value, event) => (event.event_data["crd_outcome"] === undefined ? "Success" : value),
  "status.overallPhase": (value, event) => event.event_data["outcome"] ?? value,
  "status.targetDisplay": (value, event) => {
    const target = JSON.stringify(event.event_data);
    const [kind, name] = (value as string).split("/");
    assert.ok(target.includes(`"kind":"${kind}"`) && target.includes(`"name":"${name}"`));
    return undefined;
  },
  "status.remediationTarget": () => undefined,
  "status.signalProcessingRef": () => undefined,
  "status.workflowDisplayName": (value) => (value as string).split(":").at(-1),
  "status.selectedWorkflowRef": (value, event) => {
    const ref = value as Readonly<Record<string, string>>;
    const { workflow_version, container_image } = event.event_data;
    const digest = ref["executionBundleDigest"] === undefined ? "" : `@${ref["executionBundleDigest"]}`;
    assert.deepEqual([ref["version"], `${ref["executionBundle"]}${digest}`], [workflow_version, container_image]);
    return ref["workflowId"];
  },
  "spec.targetType": () => undefined,
  "spec.signalSource": () => undefined,
};

/** Each field has the value that the member of the event has, which its provenance names. */
function assertTold({ object, provenance }: Reconstructed, sent: readonly RecordedEvent[]): void {
  const events = new Map(sent.map((event) => [event.event_id, event]));
  for (const { path, eventId, eventType, source, position } of provenance) {
    const event = events.get(eventId) as RecordedEvent;
    assert.deepEqual([event["event_type"], sent[position - 1]?.event_id], [eventType, eventId]);
    const value = valueAt(object, path);
    assert.notEqual(value, undefined, path);
    if (source === "event_timestamp") assert.equal(value, secondOf(event["event_timestamp"]), path);
    if (!source.startsWith("event_data.")) continue;
    const member = at(event.event_data, source.slice("event_data.".length));
    const made = path.startsWith("status.notificationRequestRefs") || isRef(value) ? nameOf : (MADE[path] ?? same);
    const expected = made(value, event);
    if (expected !== undefined)
      assert.deepEqual(
        isTime(expected) ? secondOf(member) : expected,
        isTime(expected) ? secondOf(expected) : member,
        path,
      );
  }
}

const same = (value: Json) => value;
const nameOf = (value: Json) =>
  String((value as JsonObject)["name"]).startsWith("sp-") ? undefined : (value as JsonObject)["name"];
const isRef = (value: unknown) => isPlain(value) && typeof value["apiVersion"] === "string";
const isTime = (value: unknown) => typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
const secondOf = (time: unknown) => `${new Date(String(time)).toISOString().slice(0, 19)}Z`;

function at(data: JsonObject, path: string): Json | undefined {
  const names = [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, key, index, name]) => key ?? index ?? name,
  );
  return names.reduce((value: Json | undefined, name) => (value as JsonObject | undefined)?.[name as string], data);
}

function valueAt(object: JsonObject, path: string): Json {
  const item = /^(status\.notificationRequestRefs)\["(.*)"\]$/.exec(path);
  if (item === null) return at(object, path) as Json;
  const items = at(object, item[1] as string) as JsonObject[];
  return items.find(({ name }) => name === item[2]) as JsonObject;
}

/** Texts that stay the same through both forms, pass the schema, and that a second library for YAML reads alike. */
function assertTexts({ object, yaml, json }: Reconstructed): void {
  const read = load(yaml, { schema: YAML11_SCHEMA }) as JsonObject;
  assert.deepEqual(read, object);
  assert.equal(yamlText(JSON.parse(json) as JsonObject), yaml);
  assert.equal(jsonText(read), json);
  assert.deepEqual(schemaWarnings(REMEDIATION_REQUEST, read), []);
  const other = secondLibrary(yaml);
  if (other !== undefined) assert.deepEqual(other, object);
}

const READ_YAML = "import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";

/** What PyYAML, where it is installed, reads. */
function secondLibrary(yaml: string): unknown {
  if (!existsSync("/usr/bin/python3")) return undefined;
  try {
    execFileSync("/usr/bin/python3", ["-c", "import yaml"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return JSON.parse(execFileSync("/usr/bin/python3", ["-c", READ_YAML], { input: yaml, encoding: "utf8" }));
}
