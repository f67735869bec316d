// ReconstructionService as its callers see it: a running service and its database.
import assert from "node:assert/strict";
import { randomUUIDv7 } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { load } from "js-yaml";
import { parse } from "yaml";
import { EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { ResourceKind } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { KINDS } from "../../src/reconstruction/kinds/kinds.ts";
import { byCorrelation, type RecordedEvent, readRecording, recordedTraces } from "../interop/recording.ts";
import { refusalOf, untilEvents } from "../support/catalog.ts";
import { type ReconstructionTestService, startReconstructionService } from "../support/reconstruction.ts";

const OURS = readRecording(new URL("../../examples/remediation.jsonl", import.meta.url).pathname);
const recordings = [OURS, ...(recordedTraces() ?? [])];
const remediations = recordings.flatMap(({ name, events }) =>
  [...byCorrelation(events)].filter(([id]) => id.startsWith("rr-")).map(([id, sent]) => ({ name, id, sent })),
);
const [ours] = remediations as [(typeof remediations)[number]];

describe("ReconstructionService", () => {
  let service: ReconstructionTestService;
  const ends: (() => Promise<void>)[] = [];
  before(async () => {
    service = await startReconstructionService({ after: (end) => void ends.push(end) });
    for (const { events } of recordings) await service.record(events);
  });
  after(async () => {
    for (const end of ends) await end();
  });

  const rebuild = (
    request: Parameters<ReconstructionTestService["reconstruction"]["reconstructRemediationRequest"]>[0],
  ) => service.reconstruction.reconstructRemediationRequest(request);

  /** Our trace under another correlation id, each event changed. */
  async function recordCopy(correlationId: string, change: (event: RecordedEvent) => object = () => ({})) {
    await service.record(
      ours.sent.map((event) => ({
        ...event,
        event_id: randomUUIDv7(),
        correlation_id: correlationId,
        ...change(event),
      })) as RecordedEvent[],
    );
    return correlationId;
  }

  for (const { name, id, sent } of remediations) {
    test(`${name}: ${id} comes typed, as YAML and as JSON, all the same`, async () => {
      const { remediationRequest, yaml, json, reconstruction } = await rebuild({ correlationId: id });
      assert.equal(remediationRequest?.metadata?.name, id);
      const object = JSON.parse(json);
      assert.deepEqual(load(yaml), object);
      assert.deepEqual(parse(yaml), object);
      assert.deepEqual(parse(yaml, { version: "1.1" }), object);
      assert.equal(remediationRequest?.status?.overallPhase, object.status.overallPhase);
      assert.equal(reconstruction?.completeness, 1);
      assert.deepEqual([reconstruction.eventsRead, reconstruction.missingFields], [sent.length, []]);
      const { $typeName: _, ...chain } = reconstruction.chain ?? { $typeName: "" };
      assert.deepEqual(chain, {
        verified: true,
        eventsChecked: sent.length,
        firstBadPosition: 0n,
        firstBadEventId: "",
        problem: "",
      });
      const source = reconstruction.provenance.find(({ path }) => path === "spec.signalName");
      assert.ok(sent.some((event) => event.event_id === source?.eventId));
      assert.ok((source?.chainPosition ?? 0n) > 0n);
      const resource = await service.reconstruction.reconstructResource({
        correlationId: id,
        kind: ResourceKind.REMEDIATION_REQUEST,
      });
      assert.deepEqual([resource.yaml, resource.object], [yaml, object]);
    });
  }

  for (const { name, id } of remediations) {
    test(`${name}: the other resources of ${id}, each told in an event of its own`, async () => {
      const others = [...KINDS].filter(([kind]) => kind !== ResourceKind.REMEDIATION_REQUEST);
      for (const [kind, { kind: named }] of others) {
        const asked = service.reconstruction.reconstructResource({ correlationId: id, kind });
        const reply = await asked.catch(() => undefined);
        if (reply === undefined) {
          const { reason, metadata } = await refusalOf(asked);
          assert.equal(reason, "NO_RELEVANT_EVENTS", named);
          const [event] = await untilEvents(service.client, metadata["correlation_id"] ?? "", 1);
          assert.deepEqual([event?.resourceType, event?.eventOutcome], [named, EventOutcome.FAILURE]);
          continue;
        }
        const object = JSON.parse(reply.json);
        assert.deepEqual([object.kind, reply.object, parse(reply.yaml)], [named, object, object]);
        const [event] = await untilEvents(service.client, reply.reconstruction?.correlationId ?? "", 1);
        assert.deepEqual([event?.resourceType, event?.resourceId], [named, object.metadata.name]);
      }
    });
  }

  test("a reconstruction leaves an event under a correlation id of its own, and none in the chain that it read", async () => {
    const correlationId = await recordCopy("rr-left");
    const { reconstruction } = await rebuild({
      correlationId,
      asOf: { moment: { case: "chainPosition", value: 80n } },
    });
    const left = reconstruction?.correlationId ?? "";
    assert.match(left, /^reconstruction-[0-9a-f-]{36}$/);
    const [event] = await untilEvents(service.client, left, 1);
    assert.deepEqual(
      [event?.eventType, event?.eventOutcome, event?.resourceType, event?.resourceId, event?.actorType],
      ["datastorage.reconstruction.completed", EventOutcome.SUCCESS, "RemediationRequest", ours.id, "user"],
    );
    assert.deepEqual(dataOf(event), {
      correlation_id: correlationId,
      kind: "RemediationRequest",
      as_of: "chain position 80",
      namespace: "kubernaut-system",
      completeness: reconstruction?.completeness,
      missing: reconstruction?.missingFields.map(({ path }) => path),
      missing_count: reconstruction?.missingFields.length,
      events_read: 80,
      events_used: reconstruction?.eventsUsed,
      chain_verified: true,
    });
    const again = await rebuild({ correlationId });
    assert.equal(again.reconstruction?.eventsRead, ours.sent.length);
  });

  test("as it was at a place in the chain, and at a time", async () => {
    const correlationId = ours.id;
    const index = ours.sent.findIndex((event) => event["event_type"] === "orchestrator.approval.requested");
    const at = await rebuild({ correlationId, asOf: { moment: { case: "chainPosition", value: BigInt(index + 1) } } });
    assert.equal(at.remediationRequest?.status?.overallPhase, "AwaitingApproval");
    const time = new Date(String(ours.sent[index]?.["event_timestamp"]));
    const then = await rebuild({ correlationId, asOf: { moment: { case: "time", value: timestampFromDate(time) } } });
    assert.equal(then.remediationRequest?.status?.completedAt, "");
    const { timeline } = await service.reconstruction.getTimeline({
      correlationId,
      asOf: { moment: { case: "time", value: timestampFromDate(time) } },
    });
    assert.equal(timeline?.eventCount, then.reconstruction?.eventsRead);
    const whole = await service.reconstruction.getTimeline({ correlationId });
    assert.deepEqual([whole.timeline?.eventCount, whole.timeline?.outcome], [ours.sent.length, "Remediated"]);
  });

  test("what is not there, not told or too little", async () => {
    const none = await refusalOf(rebuild({ correlationId: "rr-none" }));
    assert.deepEqual(
      [none.code, none.reason, none.resource],
      ["NotFound", "REMEDIATION_NOT_FOUND", "RemediationRequest rr-none"],
    );
    const timeline = await refusalOf(service.reconstruction.getTimeline({ correlationId: "rr-none" }));
    assert.deepEqual([timeline.code, timeline.reason], ["NotFound", "REMEDIATION_NOT_FOUND"]);
    const before = { moment: { case: "time", value: timestampFromDate(new Date(0)) } } as const;
    const early = await refusalOf(service.reconstruction.getTimeline({ correlationId: ours.id, asOf: before }));
    assert.match(early.message, /no event of this correlation_id is that old/);
    const elsewhere = await refusalOf(rebuild({ correlationId: ours.id, namespace: "elsewhere" }));
    assert.deepEqual([elsewhere.code, elsewhere.reason], ["NotFound", "REMEDIATION_NOT_FOUND"]);

    const little = await refusalOf(
      rebuild({
        correlationId: ours.id,
        asOf: { moment: { case: "chainPosition", value: 1n } },
        minimumCompleteness: 0.99,
      }),
    );
    assert.deepEqual(
      [little.code, little.reason, little.preconditions],
      ["FailedPrecondition", "TOO_INCOMPLETE", ["TOO_INCOMPLETE"]],
    );
    const [event] = await untilEvents(service.client, little.metadata["correlation_id"] ?? "", 1);
    assert.deepEqual([event?.eventOutcome, event?.resourceId], [EventOutcome.FAILURE, ours.id]);
    assert.equal((dataOf(event) as { reason: string }).reason, "TOO_INCOMPLETE");
  });

  test("events of which none tells anything of it", async () => {
    await service.record([plain("rr-irrelevant", "somebody.did.something", {})]);
    const { code, reason, metadata } = await refusalOf(rebuild({ correlationId: "rr-irrelevant" }));
    assert.deepEqual([code, reason, metadata["events"]], ["FailedPrecondition", "NO_RELEVANT_EVENTS", "1"]);
  });

  test("of two requests' events, those in the namespace asked for", async () => {
    const correlationId = await recordCopy("rr-two");
    const signal = { signal_name: "Other", signal_type: "alert", remediation_request: "elsewhere/rr-two" };
    await service.record([plain(correlationId, "gateway.signal.received", signal, "2026-09-14T09:00:00Z")]);
    const first = await rebuild({ correlationId });
    assert.equal(first.remediationRequest?.metadata?.namespace, "kubernaut-system");
    assert.deepEqual(
      first.reconstruction?.warnings.map(({ reason }) => reason),
      ["SEVERAL_NAMESPACES"],
    );
    const other = await rebuild({ correlationId, namespace: "elsewhere" });
    assert.deepEqual(
      [other.remediationRequest?.metadata?.namespace, other.remediationRequest?.spec?.signalName],
      ["elsewhere", "Other"],
    );
  });

  test("every rule of a request is told with its field", async () => {
    const asOf = { moment: { case: "chainPosition", value: 0n } } as const;
    const { code, violations } = await refusalOf(
      rebuild({ correlationId: "rr", asOf, namespace: "Not A Label", minimumCompleteness: Number.NaN }),
    );
    assert.equal(code, "InvalidArgument");
    assert.deepEqual(violations, [
      "as_of.chain_position: must be a place in the chain, 1 to 9007199254740991",
      "namespace: must be a DNS label: 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends",
      "minimum_completeness: must be a share, 0 to 1",
    ]);
    const told = async (call: Promise<unknown>) => (await refusalOf(call)).violations.join();
    assert.match(await told(rebuild({ correlationId: "a\0" })), /^correlation_id: must not hold U\+0000/);
    assert.match(await told(rebuild({ correlationId: "" })), /^correlation_id: /);
    assert.match(
      await told(rebuild({ correlationId: "rr", asOf: {} })),
      /^as_of: must have a time or a chain_position/,
    );
    const farAway = { moment: { case: "time", value: { seconds: 10n ** 15n, nanos: 0 } } } as const;
    assert.match(await told(rebuild({ correlationId: "rr", asOf: farAway })), /^as_of\.time: must be a time/);
    assert.match(
      await told(service.reconstruction.getTimeline({ correlationId: "rr", asOf: farAway })),
      /^as_of\.time: must be a time/,
    );
    const kind = ResourceKind.UNSPECIFIED;
    assert.match(await told(service.reconstruction.reconstructResource({ correlationId: "rr", kind })), /^kind: /);
  });

  test("a row that was changed in the database is told next to the object", async () => {
    const correlationId = await recordCopy("rr-broken");
    await service.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`UPDATE audit_events SET actor_id = 'somebody else' WHERE correlation_id = ${correlationId} AND chain_position = 3`;
    });
    const { reconstruction, yaml } = await rebuild({ correlationId });
    assert.deepEqual(
      [reconstruction?.chain?.verified, reconstruction?.chain?.firstBadPosition, reconstruction?.chain?.problem],
      [false, 3n, "its hash is not that of its content"],
    );
    assert.match(yaml, /chain-verified: 'false'/);
  });

  test("events that were cut off at the end of the chain, or lost their salt, are told next to the object", async () => {
    const correlationId = await recordCopy("rr-cut");
    const last = ours.sent.length;
    await service.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`DELETE FROM audit_events WHERE correlation_id = ${correlationId} AND chain_position > ${last - 3}`;
    });
    const problemOf = async (asOf?: number) => {
      const moment = { case: "chainPosition", value: BigInt(asOf ?? 0) } as const;
      const { reconstruction } = await rebuild({ correlationId, ...(asOf !== undefined && { asOf: { moment } }) });
      return [reconstruction?.chain?.firstBadPosition, reconstruction?.chain?.problem];
    };
    assert.deepEqual(await problemOf(), [BigInt(last - 2), `events are missing up to position ${last}`]);
    assert.deepEqual(await problemOf(last - 2), [BigInt(last - 2), `events are missing up to position ${last - 2}`]);
    assert.deepEqual(await problemOf(last - 3), [0n, ""]);
    await service.admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`DELETE FROM audit_event_ids WHERE event_id IN
        (SELECT event_id FROM audit_events WHERE correlation_id = ${correlationId} AND chain_position = 7)`;
    });
    assert.deepEqual(await problemOf(last - 3), [7n, "its hash cannot be checked: its salt is gone"]);
  });

  test("a payload of 250 KiB comes whole", async () => {
    const annotations = { text: `ü"\\${'"'.repeat(60_000)}${"é".repeat(40_000)}` };
    const correlationId = "rr-large";
    await service.record([
      plain(correlationId, "gateway.signal.received", {
        signal_name: "Large",
        signal_type: "alert",
        signal_annotations: annotations,
        remediation_request: "checkout/rr-large",
      }),
    ]);
    const { remediationRequest, json, yaml } = await rebuild({ correlationId });
    assert.deepEqual(remediationRequest?.spec?.signalAnnotations, annotations);
    assert.deepEqual(parse(yaml), JSON.parse(json));
  });

  test("a trace of 10,000 events is rebuilt and told, and other calls are answered meanwhile", async () => {
    const copies = Math.ceil(10_000 / ours.sent.length);
    for (let copy = 0; copy < copies; copy++) await recordCopy("rr-long");
    let done = false;
    const both = Promise.all([
      rebuild({ correlationId: "rr-long" }),
      service.reconstruction.getTimeline({ correlationId: "rr-long" }),
    ]).finally(() => {
      done = true;
    });
    let answered = 0;
    while (!done) {
      await service.client.getServiceInfo({});
      answered++;
    }
    const [{ reconstruction, remediationRequest }, { timeline }] = await both;
    assert.ok(answered > 5, `${answered} calls were answered`);
    assert.deepEqual([reconstruction?.eventsRead, reconstruction?.chain?.verified], [copies * ours.sent.length, true]);
    assert.equal(remediationRequest?.metadata?.name, ours.id);
    assert.equal(timeline?.eventCount, copies * ours.sent.length);
  });
});

function dataOf(event: { payload: { case: string | undefined; value?: unknown } } | undefined): unknown {
  const value = event?.payload.value;
  return value instanceof Uint8Array ? JSON.parse(Buffer.from(value).toString()) : value;
}

function plain(correlationId: string, type: string, data: object, time = "2026-09-14T07:42:11Z"): RecordedEvent {
  return {
    event_id: randomUUIDv7(),
    event_timestamp: time,
    event_type: type,
    event_outcome: "success",
    correlation_id: correlationId,
    event_data: data,
  } as unknown as RecordedEvent;
}
