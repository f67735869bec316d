// What the hammer's clients send and note: ids that tell where an event comes from, requests written by hand, outcomes as text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  IngestEventsRequestSchema,
  RecordEventsRequestSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { BatchSource } from "../../hammer/client/batch_source.ts";
import { eventId, eventOrigin } from "../../hammer/client/event_id.ts";
import { type Letter, outcomesText, readOutcomes } from "../../hammer/client/outcomes.ts";
import { INGEST_EVENTS, RECORD_EVENTS } from "../../hammer/client/wire.ts";
import { timestampText } from "../../src/audit/timestamp.ts";

const part = fc.integer({ min: 0, max: 4095 });
const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test("an id is a version 7 UUID that tells its origin, to those alone who know the seed", () => {
  const origin = fc.record({ process: part, source: part, counter: fc.integer({ min: 0, max: 2 ** 40 }) });
  fc.assert(
    fc.property(seed, seed, origin, (own, other, from) => {
      const id = eventId(own, from);
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.deepEqual(eventOrigin(own, id), { ...from });
      if (other !== own) assert.equal(eventOrigin(other, id), undefined);
    }),
  );
});

test("outcomes are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<Letter>("R", "D", "C", "J", "Q")), (outcomes) => {
      assert.deepEqual([...readOutcomes(outcomesText(outcomes))], outcomes);
    }),
  );
});

test("requests hold what was made, and the same seed makes the same", () => {
  fc.assert(
    fc.property(seed, fc.integer({ min: 1, max: 1000 }), fc.boolean(), (own, count, streamed) => {
      const method = streamed ? INGEST_EVENTS : RECORD_EVENTS;
      const batch = sourceOf(own, method).make(count);
      const request = streamed
        ? fromBinary(IngestEventsRequestSchema, batch.request)
        : fromBinary(RecordEventsRequestSchema, batch.request);
      assert.equal(request.requireRecorded, batch.required);
      if ("batchNumber" in request) assert.equal(request.batchNumber, 300n);
      assert.equal(request.events.length, batch.count);
      assert.deepEqual(
        request.events.map(({ eventId }) => eventId),
        Array.from({ length: batch.count }, (_, counter) => eventId(own, { process: 1, source: 3, counter })),
      );
      const [first] = request.events;
      const { sample } = batch;
      assert.equal(first?.eventType, sample.kind.type);
      assert.equal(first?.correlationId, sample.correlationId);
      assert.equal(first?.severity, sample.severity);
      assert.equal(first?.errorMessage, sample.errorMessage);
      assert.equal(first?.durationMs, sample.durationMs === undefined ? undefined : BigInt(sample.durationMs));
      assert.equal(first?.eventOutcome, EventOutcome.SUCCESS);
      assert.equal(
        timestampText(first?.eventTimestamp as NonNullable<typeof first.eventTimestamp>),
        new Date(sample.micros / 1000).toISOString().replace(/\d{3}Z$/, `${String(sample.micros).slice(-6)}Z`),
      );
      for (const { payload } of request.events) JSON.parse(Buffer.from(payload.value as Uint8Array).toString());
      assert.equal(sourceOf(own, method).make(count).sample.members, sample.members);
    }),
    { numRuns: 30 },
  );
});

test("a batch that repeats another holds the same events under a number of its own", () => {
  const source = sourceOf(1, INGEST_EVENTS);
  const batch = source.make(20);
  const [first, again] = [batch, source.repeat(batch, true)].map(({ request }) =>
    fromBinary(IngestEventsRequestSchema, request),
  );
  assert.deepEqual(again?.events, first?.events);
  assert.deepEqual([first?.batchNumber, again?.batchNumber], [300n, 301n]);
});

function sourceOf(own: number, method: typeof INGEST_EVENTS): BatchSource {
  let number = 299;
  return new BatchSource({
    seed: own,
    process: 1,
    writer: 2,
    source: 3,
    method,
    season: { month: 0, months: 2 },
    requireRecordedShare: 0.5,
    mostEvents: 200,
    number: () => ++number,
    others: [],
  });
}
