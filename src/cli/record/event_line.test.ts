import assert from "node:assert/strict";
import { test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { type ReadOptions, readEventLine } from "./event_line.ts";

const ID = "0199a0ed-cdc8-7eaf-9e6f-01c353c55b1a";
const BASE = `"event_id":"${ID}","event_timestamp":"2026-05-13T21:24:03.123456Z","event_type":"gateway.signal.received","event_outcome":"success","correlation_id":"rr-1"`;

const read = (line: string | Uint8Array, options: ReadOptions = {}) =>
  readEventLine(typeof line === "string" ? Buffer.from(line) : line, options);

function eventOf(line: string, options: ReadOptions = {}): AuditEvent {
  const content = read(line, options);
  if (content.kind === "event") return content.event;
  assert.fail(JSON.stringify(content));
}

function faultsOf(line: string, options: ReadOptions = {}): string[] {
  const content = read(line, options);
  if (content.kind !== "refused") assert.fail(content.kind);
  return content.violations.map(({ field, description }) => `${field}: ${description}`);
}

const jsonOf = ({ payload }: AuditEvent) => {
  assert.equal(payload.case, "eventDataJson");
  return Buffer.from(payload.value as Uint8Array).toString();
};

test("the payload is sent as it stands, number by number", () => {
  const payload = '{"n":9007199254740993,"x":1.0, "y":[1e400],"k":1,"k":2}';
  assert.equal(jsonOf(eventOf(`{${BASE},"event_data":${payload}}`)), payload);
});

test("names in snake_case and as ProtoJSON writes them say the same", () => {
  const snake = `{${BASE},"duration_ms":"9007199254740991","retention_days":30,"is_sensitive":true,"parent_event_id":null}`;
  const camel =
    `{"eventId":"${ID}","eventTimestamp":"2026-05-13T23:24:03.123456+02:00","eventType":"gateway.signal.received",` +
    '"eventOutcome":"EVENT_OUTCOME_SUCCESS","correlationId":"rr-1","durationMs":9007199254740991,"retentionDays":"30","isSensitive":true}';
  assert.deepEqual(toBinary(AuditEventSchema, eventOf(camel)), toBinary(AuditEventSchema, eventOf(snake)));
  assert.equal(eventOf(snake).durationMs, 9007199254740991n);
});

test("what only the service sets is passed over, so that what was listed can be recorded", () => {
  const event = eventOf(`{${BASE},"event_hash":"00","chain_position":"7","legal_hold":true,"recorded_time":"now"}`);
  assert.equal(event.eventHash, "");
  assert.equal(event.legalHold, false);
});

test("a payload may be typed, or JSON text as it is or in base64", () => {
  const typed = eventOf(`{${BASE},"gateway":{"signal_name":"HighLatency","occurrenceCount":0}}`);
  assert.equal(typed.payload.case, "gateway");
  assert.equal(jsonOf(eventOf(`{${BASE},"event_data_json":"{\\"a\\":1}"}`)), '{"a":1}');
  assert.equal(jsonOf(eventOf(`{${BASE},"eventDataJson":"${Buffer.from('{"a":1}').toString("base64")}"}`)), '{"a":1}');
});

test("nothing is lost without a word", () => {
  assert.deepEqual(faultsOf(`{${BASE},"signal":"x"}`), ["signal: is no field of an event"]);
  assert.deepEqual(faultsOf(`{${BASE},"eventType":"x.y"}`), ["event_type: stands twice"]);
  assert.deepEqual(faultsOf(`{${BASE},"event_data":{},"gateway":{}}`), [
    "gateway: is a second payload; an event has one",
  ]);
  assert.deepEqual(faultsOf(`{${BASE},"event_data":"{}"}`), ["event_data: must be a JSON object"]);
  assert.match(
    faultsOf(`{${BASE},"orchestrator":{"duration_ms":9007199254740993}}`)[0] ?? "",
    /^orchestrator\.duration_ms: must be a number/,
  );
  assert.match(faultsOf(`{${BASE},"gateway":{"signal":"x"}}`)[0] ?? "", /^gateway: .*signal/);
  assert.deepEqual(
    faultsOf(`{${BASE},"duration_ms":1.5,"retention_days":4294967296,"namespace":7,"is_sensitive":"no"}`),
    [
      "duration_ms: must be a whole number",
      "retention_days: must fit into 32 bits",
      "namespace: must be a string",
      "is_sensitive: must be true or false",
    ],
  );
  assert.equal(eventOf(`{${BASE},"signal":"x"}`, { ignoreUnknown: true }).correlationId, "rr-1");
});

test("an outcome may be given to events without one, and only to those", () => {
  const without = BASE.replace('"event_outcome":"success",', "");
  assert.deepEqual(faultsOf(`{${without}}`), ["event_outcome: is missing; --default-outcome gives one to such events"]);
  const defaultOutcome = EventOutcome.FAILURE;
  assert.equal(eventOf(`{${without}}`, { defaultOutcome }).eventOutcome, EventOutcome.FAILURE);
  assert.equal(eventOf(`{${without},"event_outcome":null}`, { defaultOutcome }).eventOutcome, EventOutcome.FAILURE);
  assert.equal(eventOf(`{${BASE}}`, { defaultOutcome }).eventOutcome, EventOutcome.SUCCESS);
  assert.deepEqual(faultsOf(`{${BASE.replace("success", "ok")}}`), [
    "event_outcome: must be success, failure or pending",
  ]);
});

test("an event without an id gets the same one from the same words, and another from others", () => {
  const without = BASE.replace(`"event_id":"${ID}",`, "");
  const { eventId } = eventOf(`{${without},"event_data":{"a":1}}`);
  assert.match(eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(eventOf(`{"event_data": {"a":1.0}, ${without}}`).eventId, eventId);
  assert.notEqual(eventOf(`{${without},"event_data":{"a":2}}`).eventId, eventId);
  assert.equal(
    eventOf('{"event_outcome":"success","correlation_id":"x"}').eventId,
    "daac699a-f1ef-5691-abb3-9b0dbfa2ca7b",
  );
});

test("lines that are no event at all say what they are", () => {
  const reason = (line: string | Uint8Array) => {
    const content = read(line);
    return content.kind === "unreadable" ? content.reason : content.kind;
  };
  assert.match(reason("{oops"), /^is not JSON: /);
  assert.match(reason("[]"), /is not a JSON object/);
  assert.equal(reason(Uint8Array.of(0x7b, 0xff, 0x7d)), "is not UTF-8");
  assert.equal(reason("  \t"), "blank");
});

test("the size that is reckoned with is never less than the size on the wire", () => {
  const lines = [
    `{${BASE}}`,
    `{"event_outcome":"success","correlation_id":"x","event_type":"a"}`,
    `{${BASE},"event_data":{"text":"${"\\u00e9\\n".repeat(500)}"}}`,
    `{${BASE},"gateway":{"signal_labels":{${Array.from({ length: 300 }, (_, n) => `"${n}":${n}`).join()}}}}`,
  ];
  for (const line of lines) {
    const content = read(line) as { event: AuditEvent; bytes: number };
    assert.ok(content.bytes >= toBinary(AuditEventSchema, content.event).length, line.slice(0, 200));
  }
});
