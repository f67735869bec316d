// Each event of a batch stands alone: a bad one is REJECTED with the path of every field at fault, the others are RECORDED.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type AuditEvent, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { errorOf, listAll, newEvent, newEvents, outcomes, startAuditService } from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";

const { client, admin } = await startAuditService({ after });

const json = (text: string | Uint8Array) => ({ case: "eventDataJson", value: Buffer.from(text as string) }) as const;
const at = (seconds: bigint, nanos = 0) => ({ $typeName: "google.protobuf.Timestamp", seconds, nanos }) as const;
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

/** What makes a good event bad, and the field that is named for it. */
const FAULTS: readonly [field: string, change: Partial<AuditEvent>][] = [
  ["event_id", { eventId: "not-a-uuid" }],
  ["event_version", { eventVersion: "12345678901" }],
  ["event_timestamp", { eventTimestamp: undefined as never }],
  ["event_timestamp", { eventTimestamp: at(253_402_300_800n) }],
  ["event_timestamp", { eventTimestamp: at(-62_135_596_801n) }],
  ["event_timestamp", { eventTimestamp: at(0n, 1_000_000_000) }],
  ["event_timestamp", { eventTimestamp: at(0n, -1) }],
  ["event_type", { eventType: "" }],
  ["event_type", { eventType: "Gateway.Signal" }],
  ["event_type", { eventType: "gateway..received" }],
  ["event_type", { eventType: "gateway.received\n" }],
  ["event_type", { eventType: `a.${"b".repeat(99)}` }],
  ["event_category", { eventCategory: "c".repeat(51) }],
  ["event_category", { eventType: `${"a".repeat(51)}.b` }],
  ["event_action", { eventAction: "c".repeat(51) }],
  ["event_action", { eventType: `a.${"b".repeat(51)}` }],
  ["event_outcome", { eventOutcome: EventOutcome.UNSPECIFIED }],
  ["event_outcome", { eventOutcome: 99 as EventOutcome }],
  ["actor_type", { actorType: "t".repeat(51) }],
  ["actor_id", { actorId: "i".repeat(256) }],
  ["resource_type", { resourceType: "t".repeat(101) }],
  ["resource_id", { resourceId: "i".repeat(256) }],
  ["correlation_id", { correlationId: "" }],
  ["correlation_id", { correlationId: "c".repeat(256) }],
  ["parent_event_id", { parentEventId: "0", parentEventDate: "2026-05-01" }],
  ["parent_event_id", { parentEventDate: "2026-05-01" }],
  ["parent_event_date", { parentEventId: "0190c0de-0000-7000-8000-000000000001" }],
  ["parent_event_date", { parentEventId: "0190c0de-0000-7000-8000-000000000001", parentEventDate: "2026-02-30" }],
  ["parent_event_date", { parentEventId: "0190c0de-0000-7000-8000-000000000001", parentEventDate: "0000-01-01" }],
  ["parent_event_date", { parentEventId: "0190c0de-0000-7000-8000-000000000001", parentEventDate: "yesterday" }],
  ["namespace", { namespace: "n".repeat(254) }],
  ["cluster_name", { clusterName: "c".repeat(256) }],
  ["severity", { severity: "s".repeat(21) }],
  ["duration_ms", { durationMs: -1n }],
  ["duration_ms", { durationMs: 2n ** 53n }],
  ["error_code", { errorCode: "e".repeat(51) }],
  ["error_message", { errorMessage: "e".repeat(65_537) }],
  ["retention_days", { retentionDays: 0 }],
  ["retention_days", { retentionDays: 36_501 }],
  ["correlation_id", { correlationId: "rr\0" }],
  ["error_message", { errorMessage: "\0" }],
  ["namespace", { namespace: "a\0b" }],
  ["event_data_json", { payload: json(Uint8Array.of(0x7b, 0xff, 0x7d)) }],
  ["event_data_json", { payload: json("") }],
  ["event_data_json", { payload: json("{") }],
  ["event_data_json", { payload: json("[]") }],
  ["event_data_json", { payload: json("null") }],
  ["event_data_json", { payload: json('"text"') }],
  ["event_data_json", { payload: json(`{"a":"${"x".repeat(256 * 1024)}"}`) }],
  ["event_data_json", { payload: json(`{"a":[${new Array(900).fill("1e308").join()}]}`) }],
  ["event_data_json.a.b", { payload: json('{"a":{"b":"\\u0000"}}') }],
  ['event_data_json["\\u0000"]', { payload: json('{"\\u0000":1}') }],
  ["event_data_json.a[1]", { payload: json('{"a":["","\\ud800"]}') }],
  ["event_data_json.a.b", { payload: json('{"a":{"b":1,"b":1}}') }],
  ["event_data_json.a[0].n", { payload: json('{"a":[{"n":9007199254740993}]}') }],
  ["event_data_json.n", { payload: json('{"n":0.10000000000000000001}') }],
  ["event_data_json.n", { payload: json('{"n":1e999}') }],
  ["event_data_json.a.a.a.a.a.a.a.a.a.a", { payload: json(nested(11)) }],
  ["event_data.a", { payload: { case: "eventData", value: { a: "\0" } } }],
  ["event_data.a", { payload: { case: "eventData", value: { a: Number.NaN } } }],
  ["event_data.a[0]", { payload: { case: "eventData", value: { a: [Number.NEGATIVE_INFINITY] } } }],
  [
    "gateway.signal_name",
    { payload: { case: "gateway", value: { $typeName: "kubernaut.audit.v1.GatewayAuditPayload", signalName: "\0" } } },
  ],
  [
    "orchestrator.duration_ms",
    {
      payload: {
        case: "orchestrator",
        value: { $typeName: "kubernaut.audit.v1.RemediationOrchestratorAuditPayload", durationMs: Number.NaN },
      },
    },
  ],
  [
    "ai_analysis.confidence",
    {
      payload: {
        case: "aiAnalysis",
        value: { $typeName: "kubernaut.audit.v1.AIAnalysisAuditPayload", confidence: Number.POSITIVE_INFINITY },
      },
    },
  ],
];

test("a bad event among good ones is refused alone, with the path of what is wrong", async () => {
  const correlationId = "faults";
  // Good, bad, good, bad … in one batch.
  const events = FAULTS.flatMap(([, change]) => [
    newEvent({ correlationId }),
    { ...newEvent({ correlationId }), ...change },
  ]);
  const { results } = await client.recordEvents({ events });
  assert.deepEqual(
    results.map(({ index }) => index),
    events.map((_, index) => index),
    "results come in the order of the request",
  );
  for (const [place, [field]] of FAULTS.entries()) {
    const [good, bad] = results.slice(place * 2, place * 2 + 2);
    const index = place * 2 + 1;
    assert.deepEqual(outcomes([good as never, bad as never]), ["RECORDED", "REJECTED"], `${field} (${index})`);
    assert.deepEqual([...new Set(bad?.violations.map((violation) => violation.field))], [`events[${index}].${field}`]);
    assert.ok((bad?.violations[0]?.description.length ?? 0) > 5);
    const sent = events[index]?.eventId as string;
    assert.deepEqual([bad?.chainPosition, bad?.eventHash, bad?.eventId], [0n, "", field === "event_id" ? "" : sent]);
  }
  assert.equal(
    (await verifiedChain(client, admin, correlationId)).length,
    FAULTS.length,
    "the good ones make one chain",
  );
});

test("every fault of an event is named at once, up to a bound", async () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, "\0"]));
  const { results } = await client.recordEvents({
    events: [
      newEvent({ eventId: "x", eventType: "X", correlationId: "", severity: "s".repeat(21) }),
      newEvent({ payload: { case: "eventData", value: many } }),
    ],
  });
  const fields = results.map(({ violations }) => violations.map(({ field }) => field.replace(/^events\[\d\]\./, "")));
  assert.deepEqual([...new Set(fields[0]?.toSorted())], ["correlation_id", "event_id", "event_type", "severity"]);
  assert.equal(fields[1]?.length, 20);
});

test("a reply stays small whatever the paths of the faults are", async () => {
  const key = "\u0001".repeat(100);
  const deep = (leaf: object) => {
    let value: object = leaf;
    for (let level = 0; level < 9; level++) value = { [key]: value };
    return value as never;
  };
  const leaf = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}${"k".repeat(50)}`, "\0"]));
  const payload = { case: "eventData", value: deep(leaf) } as const;
  const { results } = await client.recordEvents({ events: newEvents(1000, { payload }) });
  for (const { violations } of results) {
    assert.ok(violations.length >= 1);
    assert.ok((violations[0]?.field.length ?? 0) < 1000);
  }
  const told = results
    .flatMap(({ violations }) => violations)
    .reduce((sum, { field }) => sum + Buffer.byteLength(field), 0);
  assert.ok(told < 3 * 1024 * 1024, `${told} bytes of paths`);
});

test("the longest of everything is stored and read back", async () => {
  const wide = (length: number) => "😀".repeat(length);
  const event = newEvent({
    eventVersion: wide(10),
    eventTimestamp: at(253_402_300_799n, 999_999_999),
    eventType: `${"a".repeat(50)}.${"b".repeat(49)}`,
    eventCategory: wide(50),
    eventAction: wide(50),
    actorType: wide(50),
    actorId: wide(255),
    resourceType: wide(100),
    resourceId: wide(255),
    correlationId: wide(255),
    namespace: wide(253),
    clusterName: wide(255),
    severity: wide(20),
    durationMs: 2n ** 53n - 1n,
    errorCode: wide(50),
    errorMessage: wide(65_536),
    retentionDays: 36_500,
    payload: json(`{"a":"${"x".repeat(256 * 1024 - 8)}"}`),
  });
  const earliest = newEvent({ ...event, eventId: newEvent().eventId, eventTimestamp: at(-62_135_596_800n) });
  const { results } = await client.recordEvents({ events: [event, earliest] });
  assert.deepEqual(outcomes(results), ["RECORDED", "RECORDED"]);
  const [first, second] = await verifiedChain(client, admin, event.correlationId);
  assert.deepEqual(first?.eventTimestamp, at(253_402_300_799n, 999_999_000));
  assert.deepEqual(second?.eventTimestamp, earliest.eventTimestamp);
  assert.equal(first?.errorMessage, event.errorMessage);
});

test("a spec hash of 100 KB is stored and found", async () => {
  const hash = `sha256:${"0123456789abcdef".repeat(6400)}`;
  const event = newEvent({
    correlationId: "long hash",
    payload: { case: "eventData", value: { pre_remediation_spec_hash: hash } },
  });
  const { results } = await client.recordEvents({ events: [event] });
  assert.deepEqual(outcomes(results), ["RECORDED"]);
  const read = await client.getEvent({ eventId: event.eventId });
  assert.deepEqual(read.event?.payload, event.payload);
  const found = await listAll(client, { filter: { eventData: { pre_remediation_spec_hash: hash } } });
  assert.deepEqual(
    found.map(({ eventId }) => eventId),
    [event.eventId],
  );
});

test("an event that only the database refuses is refused alone, out of a thousand", async () => {
  // Something that no rule at the door knows.
  await admin.unsafe("ALTER TABLE audit_events ADD CONSTRAINT unknown_at_the_door CHECK (error_code <> 'unstorable')");
  try {
    const correlationId = "only the database";
    const events = newEvents(1000, { correlationId });
    const unstorable = 637;
    (events[unstorable] as AuditEvent).errorCode = "unstorable";
    const { results } = await client.recordEvents({ events });
    const counts = Object.groupBy(outcomes(results), (outcome) => outcome);
    assert.deepEqual([counts["RECORDED"]?.length, counts["REJECTED"]?.length], [999, 1]);
    const refused = results[unstorable];
    assert.deepEqual(
      refused?.violations.map(({ field, description }) => [field, description]),
      [
        [
          `events[${unstorable}]`,
          "the database cannot store this event (SQLSTATE 23514, constraint unknown_at_the_door)",
        ],
      ],
    );
    const chain = await verifiedChain(client, admin, correlationId);
    assert.deepEqual(
      chain.map(({ eventId }) => eventId),
      events.filter((_, index) => index !== unstorable).map(({ eventId }) => eventId),
      "the others are stored in their order",
    );
  } finally {
    await admin.unsafe("ALTER TABLE audit_events DROP CONSTRAINT unknown_at_the_door");
  }
});

test("a batch without events, or with too many, is refused as a whole", async () => {
  for (const events of [[], newEvents(1001)]) {
    const { code, error } = await errorOf(client.recordEvents({ events }));
    assert.equal(code, "InvalidArgument");
    assert.match(error.rawMessage, /^events: must contain (at least 1|no more than 1000) item/);
  }
  assert.equal((await client.recordEvents({ events: newEvents(1000) })).results.length, 1000);
});

test("output-only fields that a caller sets change nothing", async () => {
  const event = newEvent({
    correlationId: "output only",
    eventDate: "1999-01-01",
    eventHash: "f".repeat(64),
    previousEventHash: "e".repeat(64),
    chainPosition: 99n,
    recordedTime: at(0n),
    recordedBy: "somebody else",
    legalHold: true,
    legalHoldReason: "none",
    legalHoldPlacedBy: "nobody",
  });
  await client.recordEvents({ events: [event] });
  const [read] = await verifiedChain(client, admin, event.correlationId);
  assert.deepEqual(
    [read?.chainPosition, read?.previousEventHash, read?.recordedBy, read?.legalHold, read?.legalHoldReason],
    [1n, "", "anonymous", false, ""],
  );
  assert.equal(read?.eventDate, new Date().toISOString().slice(0, 10));
});
