import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { EventFilterSchema } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { readArguments } from "../arguments.ts";
import { palette } from "../colour.ts";
import { eventJson } from "../events.ts";
import { EXIT } from "../exit_code.ts";
import { width } from "../text.ts";
import { filterFlags, readFilter } from "./filter.ts";
import { EventTable } from "./table.ts";

const ID = "0199a0ed-cdc8-7eaf-9e6f-01c353c55b1a";
const event = (more: Partial<Pick<AuditEvent, "actorType" | "actorId" | "eventType">> = {}) =>
  create(AuditEventSchema, {
    eventId: ID,
    eventTimestamp: create(TimestampSchema, { seconds: 1778707443n, nanos: 123_456_000 }),
    eventType: "gateway.signal.received",
    eventOutcome: EventOutcome.FAILURE,
    correlationId: "rr-5be0c1d49a27-7c1e4f03",
    actorType: "service",
    actorId: "gateway",
    resourceType: "RemediationRequest",
    resourceId: "rr-5be0c1d49a27-7c1e4f03",
    payload: { case: "eventDataJson", value: Buffer.from('{"n":1.5}') },
    chainPosition: 7n,
    ...more,
  });

function render(events: readonly AuditEvent[], columns: number | undefined): string[] {
  const table = new EventTable(events, columns, palette(false));
  return [table.heading(), ...events.map((one) => table.row(one))];
}

test("a line of any length has every column that says something", () => {
  assert.deepEqual(render([event(), event({ actorType: "user", actorId: "dana" })], undefined), [
    `TIME (UTC)               TYPE                     OUTCOME  CORRELATION               ACTOR      EVENT ID`,
    `2026-05-13 21:24:03.123  gateway.signal.received  failure  rr-5be0c1d49a27-7c1e4f03             ${ID}`,
    `2026-05-13 21:24:03.123  gateway.signal.received  failure  rr-5be0c1d49a27-7c1e4f03  user/dana  ${ID}`,
  ]);
});

test("in a terminal columns give way by their worth, and no line is wider", () => {
  const events = [event(), event({ actorType: "user", actorId: "dana", eventType: "webhook.結帳" })];
  for (const columns of [58, 60, 80, 100, 120, 140, 200]) {
    for (const line of render(events, columns)) assert.ok(width(line) <= columns, `${columns}: ${line}`);
  }
  assert.match(render(events, 80)[0] ?? "", /^TIME \(UTC\) +TYPE +OUTCOME +CORRELATION$/);
  assert.match(render(events, 120)[1] ?? "", new RegExp(ID));
});

test("what events say cannot reach the terminal as control codes", () => {
  const lines = render([event({ actorType: "user", actorId: "\u001b[2J\nx" })], undefined).join("|");
  assert.ok(!/\p{Cc}/u.test(lines), lines);
});

test("as JSON: the names of the contract, the payload as an object", () => {
  assert.deepEqual(JSON.parse(eventJson(event())), {
    event_id: ID,
    event_timestamp: "2026-05-13T21:24:03.123456Z",
    event_type: "gateway.signal.received",
    event_outcome: "EVENT_OUTCOME_FAILURE",
    actor_type: "service",
    actor_id: "gateway",
    resource_type: "RemediationRequest",
    resource_id: "rr-5be0c1d49a27-7c1e4f03",
    correlation_id: "rr-5be0c1d49a27-7c1e4f03",
    chain_position: "7",
    event_data: { n: 1.5 },
  });
});

const command = { name: "list", summary: "", positionals: "", flags: filterFlags, run: async () => EXIT.ok };
const filter = (...args: string[]) => readFilter(readArguments(command, args), new Date("2026-05-13T12:00:00Z"));

test("every field of the filter is a flag of its name", () => {
  const names = EventFilterSchema.fields.map(({ name }) => name.replaceAll("_", "-"));
  assert.deepEqual(Object.keys(filterFlags).sort(), names.sort());
});

test("flags make the filter: repeated ones and commas add up", () => {
  const read = filter(
    "--event-types",
    "gateway.*, a.b",
    "--event-types=c",
    "--event-outcomes",
    "failure",
    "--start-time",
    "1h",
  );
  assert.deepEqual(read.eventTypes, ["gateway.*", "a.b", "c"]);
  assert.deepEqual(read.eventOutcomes, [EventOutcome.FAILURE]);
  assert.equal(read.startTime?.seconds, 1778670000n);
  assert.deepEqual(filter("--event-data", '{"a":{"b":[1]}}').eventData, { a: { b: [1] } });
});

test("values that cannot be are refused with the flag's name", () => {
  assert.throws(
    () => filter("--event-outcomes", "ok"),
    /--event-outcomes takes success, failure and pending, and not "ok"/,
  );
  assert.throws(() => filter("--event-data", "[1]"), /--event-data must be a JSON object/);
  assert.throws(() => filter("--event-data", '{"n":9007199254740993}'), /--event-data\.n must be a number/);
  assert.throws(() => filter("--end-time", "soon"), /--end-time must be a time/);
});
