// Each event id is stored once, for good: the same content again is a DUPLICATE with the first one's place, other content a CONFLICT.
import assert from "node:assert/strict";
import { randomUUID, randomUUIDv7 } from "node:crypto";
import { after, test } from "node:test";
import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { TimestampSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AuditEventSchema, EventOutcome, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { EventResult } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { listAll, newEvent, newEvents, outcomes, startAuditService } from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { IngestCaller } from "../support/ingest_caller.ts";

const { client, admin } = await startAuditService({ after });

type Event = ReturnType<typeof newEvent>;

async function record(...events: Event[]): Promise<EventResult[]> {
  return (await client.recordEvents({ events })).results;
}

async function stored(correlationId: string): Promise<number> {
  const [row] = await admin`SELECT count(*)::int AS rows FROM audit_events WHERE correlation_id = ${correlationId}`;
  return row?.["rows"] as number;
}

function place({ eventId, eventHash, chainPosition }: EventResult) {
  return { eventId, eventHash, chainPosition };
}

test("twice in one batch", async () => {
  const correlationId = "one batch";
  const event = newEvent({ correlationId });
  const other = { ...event, severity: "high" };
  const results = await record(newEvent({ correlationId }), event, event, other, newEvent({ correlationId }));
  assert.deepEqual(outcomes(results), ["RECORDED", "RECORDED", "DUPLICATE", "CONFLICT", "RECORDED"]);
  assert.deepEqual(place(results[2] as EventResult), place(results[1] as EventResult), "with the first one's place");
  assert.deepEqual(
    results.map((result) => result.violations.map(({ field }) => field)),
    [[], [], [], ["events[3].event_id"], []],
  );
  assert.equal((await verifiedChain(client, admin, correlationId)).length, 3);
});

test("twice in one batch under two correlations: one of them is stored", async () => {
  const event = newEvent({ correlationId: "this chain" });
  const results = await record(event, { ...event, correlationId: "that chain" });
  assert.deepEqual(outcomes(results).toSorted(), ["CONFLICT", "RECORDED"]);
  assert.equal((await stored("this chain")) + (await stored("that chain")), 1);
});

test("in two batches, and in two batches at once", async () => {
  const events = newEvents(20, { correlationId: "two batches" });
  const first = await record(...events);
  const again = await record(...events.toReversed());
  assert.deepEqual(new Set(outcomes(again)), new Set(["DUPLICATE"]));
  assert.deepEqual(again.toReversed().map(place), first.map(place));

  const more = newEvents(300, { correlationId: "at once" });
  const [left, right] = await Promise.all([record(...more), record(...more)]);
  for (const [index, result] of left.entries()) {
    assert.deepEqual(outcomes([result, right[index] as EventResult]).toSorted(), ["DUPLICATE", "RECORDED"]);
    assert.deepEqual(place(result), place(right[index] as EventResult));
  }
  assert.equal((await verifiedChain(client, admin, "at once")).length, 300);
});

test("in two streams", async () => {
  const events = newEvents(400, { correlationId: "two streams" });
  const streams = [new IngestCaller(client), new IngestCaller(client)];
  for (const stream of streams) {
    for (let batch = 0; batch < 4; batch++)
      stream.push(BigInt(batch + 1), events.slice(batch * 100, batch * 100 + 100));
  }
  const answers = (await Promise.all(streams.map((stream) => stream.end()))).flat();
  const sum = (count: (answer: (typeof answers)[number]) => number) =>
    answers.reduce((all, one) => all + count(one), 0);
  assert.deepEqual([sum((answer) => answer.recorded), sum((answer) => answer.duplicates)], [400, 400]);
  assert.equal((await verifiedChain(client, admin, "two streams")).length, 400);
});

test("in two months it is a conflict, and nothing is stored", async () => {
  const event = newEvent({
    correlationId: "months",
    eventTimestamp: timestampFromDate(new Date("2026-03-31T23:59:59Z")),
  });
  const later = { ...event, eventTimestamp: timestampFromDate(new Date("2026-04-01T00:00:00Z")) };
  assert.deepEqual(outcomes(await record(event)), ["RECORDED"]);
  assert.deepEqual(outcomes(await record(later)), ["CONFLICT"]);
  assert.deepEqual(outcomes(await record(event)), ["DUPLICATE"]);
  assert.equal(await stored("months"), 1);
});

test("a UUID in upper case is the same id", async () => {
  const event = newEvent({ correlationId: "case", parentEventId: randomUUID(), parentEventDate: "2026-05-01" });
  const shouted = {
    ...event,
    eventId: event.eventId.toUpperCase(),
    parentEventId: event.parentEventId.toUpperCase(),
  };
  const [first] = await record(shouted);
  assert.deepEqual([first?.eventId, outcomes([first as EventResult])], [event.eventId, ["RECORDED"]]);
  assert.deepEqual(outcomes(await record(event)), ["DUPLICATE"]);
  assert.equal((await client.getEvent({ eventId: shouted.eventId })).event?.eventId, event.eventId);
});

test("without an id each sending is stored, under an id of version 7", async () => {
  const event = newEvent({ eventId: "", correlationId: "no id" });
  const results = [...(await record(event, event)), ...(await record(event))];
  assert.deepEqual(outcomes(results), ["RECORDED", "RECORDED", "RECORDED"]);
  for (const { eventId } of results)
    assert.match(eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(results.map(({ eventId }) => eventId)).size, 3);
});

/** A moment of one second, by its nanoseconds. */
function at(nanos: number) {
  return create(TimestampSchema, { seconds: 1_780_000_000n, nanos });
}

/** An event with a value in every field that an emitter may set. */
function fullEvent(fields: MessageInitShape<typeof AuditEventSchema> = {}): Event {
  return newEvent({
    eventVersion: "2.1",
    eventTimestamp: at(123_456_789),
    eventType: "aianalysis.phase.transition",
    eventCategory: "custom",
    eventAction: "moved",
    eventOutcome: EventOutcome.FAILURE,
    actorType: "user",
    actorId: "jane",
    resourceType: "Deployment",
    resourceId: "shop/cart",
    correlationId: "full",
    parentEventId: randomUUIDv7(),
    parentEventDate: "2026-05-01",
    namespace: "shop",
    clusterName: "eu-1",
    severity: "critical",
    durationMs: 0n,
    errorCode: "E1",
    errorMessage: "it failed",
    retentionDays: 30,
    isSensitive: true,
    payload: { case: "eventData", value: { a: [1, "two", { three: null }], zero: 0, no: false } },
    ...(fields as object),
  });
}

test("other content in any one field is a conflict", async () => {
  const event = fullEvent();
  await record(event);
  const changes: MessageInitShape<typeof AuditEventSchema>[] = [
    { eventVersion: "2.2" },
    { eventTimestamp: at(123_457_000) },
    { eventType: "aianalysis.phase.other" },
    { eventCategory: "" },
    { eventAction: "" },
    { eventOutcome: EventOutcome.PENDING },
    { actorType: "" },
    { actorId: "" },
    { resourceType: "" },
    { resourceId: "" },
    { correlationId: "other" },
    { parentEventId: randomUUIDv7() },
    { parentEventDate: "2026-05-02" },
    { parentEventId: "", parentEventDate: "" },
    { namespace: "" },
    { clusterName: "" },
    { severity: "" },
    { durationMs: 1n },
    { errorCode: "" },
    { errorMessage: "" },
    { retentionDays: 31 },
    { isSensitive: false },
    { payload: { case: "eventData", value: { a: [1, "two", { three: null }], zero: 0 } } },
    { payload: { case: "eventData", value: {} } },
  ];
  const { durationMs: _, ...withoutDuration } = event;
  const events = [
    ...changes.map((change) => newEvent({ ...(event as object), ...change })),
    newEvent(withoutDuration as never),
  ];
  const results = await record(...events);
  assert.deepEqual(outcomes(results), new Array(events.length).fill("CONFLICT"));
  assert.deepEqual([await stored("full"), await stored("other")], [1, 0]);
  assert.deepEqual(outcomes(await record(event)), ["DUPLICATE"]);
});

test("digits below the microsecond are no content", async () => {
  const event = fullEvent({ correlationId: "micros" });
  await record(event);
  assert.deepEqual(outcomes(await record({ ...event, eventTimestamp: at(123_456_000) })), ["DUPLICATE"]);
});

test("what would be derived is the same said or left out", async () => {
  const bare = newEvent({ eventType: "aianalysis.approval.decision", correlationId: "derived" });
  const said = clone(AuditEventSchema, bare);
  Object.assign(said, {
    eventVersion: "1.0",
    eventCategory: "analysis",
    eventAction: "decision",
    actorType: "service",
    actorId: "aianalysis",
    resourceType: "RemediationRequest",
    resourceId: "derived",
    retentionDays: 2555,
    payload: { case: "eventDataJson", value: Buffer.from(" {} ") },
  });
  assert.deepEqual(outcomes(await record(bare, said)), ["RECORDED", "DUPLICATE"]);
});

test("an event that was read can be sent again as it is", async () => {
  const correlationId = "read again";
  const events = [fullEvent({ correlationId }), newEvent({ correlationId }), newEvent({ correlationId, eventId: "" })];
  const first = await record(...events);
  for (const payloadForm of [PayloadForm.STRUCT, PayloadForm.JSON]) {
    const listed = await listAll(client, { filter: { correlationId }, orderBy: "chain_position", payloadForm });
    const again = await record(...listed);
    assert.deepEqual(outcomes(again), ["DUPLICATE", "DUPLICATE", "DUPLICATE"]);
    assert.deepEqual(again.map(place), first.map(place));
    for (const { eventId } of first) {
      const { event } = await client.getEvent({ eventId, payloadForm });
      assert.deepEqual(outcomes(await record(event as Event)), ["DUPLICATE"]);
    }
  }
});

test("the form of the payload is no content", async () => {
  const json = (text: string) => ({ case: "eventDataJson", value: Buffer.from(text) }) as const;
  const payloads: Event["payload"][] = [
    json('{"signal_name":"OOM","occurrence_count":3,"signal_labels":{"b":"2","a":"1"},"extra":[1.5,true,null]}'),
    json(
      ' { "extra" : [15e-1,true,null], "signal_labels":{"a":"\\u0031","b":"2"},\n"occurrence_count":3.0,"signal_name":"\\u004fOM" } ',
    ),
    {
      case: "eventData",
      value: { occurrence_count: 3, signal_name: "OOM", signal_labels: { a: "1", b: "2" }, extra: [1.5, true, null] },
    },
    {
      case: "gateway",
      value: {
        $typeName: "kubernaut.audit.v1.GatewayAuditPayload",
        signalName: "OOM",
        occurrenceCount: 3,
        signalLabels: { a: "1", b: "2" },
        additionalFields: { extra: [1.5, true, null], signal_name: "a named member wins" },
      },
    },
  ];
  const event = newEvent({ correlationId: "forms" });
  const results = await record(...payloads.map((payload) => ({ ...event, payload })));
  assert.deepEqual(outcomes(results), ["RECORDED", "DUPLICATE", "DUPLICATE", "DUPLICATE"]);
});

test("an id outlives its event: what retention removed is still known", async () => {
  const event = newEvent({ correlationId: "outlived" });
  await record(event);
  await admin.begin(async (sql) => {
    await sql`SELECT set_config('datastorage.custody', 'on', true)`;
    await sql`DELETE FROM audit_events WHERE event_id = ${event.eventId}`;
  });
  const [again] = await record(event);
  assert.deepEqual([outcomes([again as EventResult]), again?.chainPosition, again?.eventHash], [["DUPLICATE"], 1n, ""]);
  assert.deepEqual(outcomes(await record({ ...event, severity: "low" })), ["CONFLICT"]);
  const next = newEvent({ correlationId: "outlived" });
  assert.deepEqual(
    (await record(next)).map(({ chainPosition }) => chainPosition),
    [2n],
    "its place is not given again",
  );
});
