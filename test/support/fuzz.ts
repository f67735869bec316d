import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { type AuditEvent, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { RecordEventsRequestSchema, RecordOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { AuditTestService } from "./audit_service.ts";
import { anyEvent } from "./event_arbitraries.ts";
import { assertReadsBack } from "./expected_event.ts";

/** The seed of this run: DATASTORAGE_TEST_SEED, or another one each time. It is printed, so that a failure can be repeated. */
export function fuzzSeed(): number {
  const seed = Number(process.env["DATASTORAGE_TEST_SEED"] ?? Date.now() % 2 ** 31);
  console.log(`# DATASTORAGE_TEST_SEED=${seed}`);
  return seed;
}

/** What a run has seen. */
export interface FuzzTally {
  events: number;
  recorded: number;
  rejected: number;
}

/** Sends batches of events of every kind: each gets an outcome, and what is RECORDED reads back equal. */
export async function fuzzRecordEvents(service: AuditTestService, seed: number, batches: number): Promise<FuzzTally> {
  const { client } = service;
  const tally: FuzzTally = { events: 0, recorded: 0, rejected: 0 };
  const property = fc.asyncProperty(
    fc.array(anyEvent, { minLength: 1, maxLength: 80, size: "max" }),
    async (events) => {
      const { results } = await client.recordEvents({ events });
      assert.equal(results.length, events.length);
      tally.events += events.length;
      await Promise.all(
        results.map(async (result, index) => {
          const sent = events[index] as AuditEvent;
          if (result.outcome === RecordOutcome.REJECTED) {
            tally.rejected++;
            assert.ok(result.violations.length > 0);
            for (const { field } of result.violations) assert.ok(field.startsWith(`events[${index}].`), field);
          }
          if (result.outcome !== RecordOutcome.RECORDED) return;
          tally.recorded++;
          const payloadForm = index % 2 === 0 ? PayloadForm.JSON : PayloadForm.STRUCT;
          const { event } = await client.getEvent({ eventId: result.eventId, payloadForm });
          assertReadsBack(sent, event as AuditEvent);
        }),
      );
    },
  );
  // Sending again what failed would give DUPLICATE, so nothing is shrunk: the batch that failed is in the report.
  await fc.assert(property, { seed, numRuns: batches, endOnFailure: true });
  return tally;
}

/** Sends the bytes of requests with some of them changed: whatever they mean then, it is no INTERNAL. */
export async function fuzzBytes(service: AuditTestService, seed: number, requests: number): Promise<void> {
  const change = fc.record({ place: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom("set", "insert", "cut") });
  const batch = fc.array(anyEvent, { minLength: 1, maxLength: 3 });
  const property = fc.asyncProperty(
    batch,
    fc.array(change, { minLength: 1, maxLength: 4 }),
    async (events, changes) => {
      let body = toBinary(RecordEventsRequestSchema, create(RecordEventsRequestSchema, { events }));
      for (const { place, byte, kind } of changes) {
        const at = place % (body.length || 1);
        if (kind === "set") body[at] = byte;
        else if (kind === "insert") body = Buffer.concat([body.subarray(0, at), Buffer.of(byte), body.subarray(at)]);
        else body = body.slice(0, at);
      }
      await post(service, "application/proto", body);
    },
  );
  await fc.assert(property, { seed, numRuns: requests, endOnFailure: true });
}

/** Sends requests as ProtoJSON, where a string may hold what protobuf's bytes cannot, and fields may have any type. */
export async function fuzzJson(service: AuditTestService, seed: number, requests: number): Promise<void> {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>(
      "\ud800",
      "a\udc00b",
      "\u0000",
      "NaN",
      "Infinity",
      -1,
      "9999-12-31T23:59:59Z",
      "0000-00-00T00:00:00Z",
    ),
    fc.string({ unit: fc.constantFrom("\ud800", "\udfff", "a", "\x1e"), maxLength: 5 }),
  );
  const names = [
    "eventId",
    "event_id",
    "eventTimestamp",
    "eventOutcome",
    "correlationId",
    "durationMs",
    "errorMessage",
    "eventData",
    "eventDataJson",
    "gateway",
    "aiAnalysis",
    "retentionDays",
    "isSensitive",
    "unknown",
    "__proto__",
  ];
  const property = fc.asyncProperty(
    fc.array(fc.tuple(fc.constantFrom(...names), odd), { maxLength: 3 }),
    async (members) => {
      const good = {
        eventTimestamp: "2026-05-13T21:24:03.123456789Z",
        eventType: "gateway.signal.received",
        eventOutcome: "EVENT_OUTCOME_SUCCESS",
        correlationId: "rr-json",
      };
      const fields = [...Object.entries(good), ...members].map(
        ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? "null"}`,
      );
      await post(service, "application/json", Buffer.from(`{"events":[{${fields.join()}}]}`));
    },
  );
  await fc.assert(property, { seed, numRuns: requests, endOnFailure: true });
}

/** Posts a RecordEvents request by the Connect protocol; fails when the service calls it a defect. */
async function post({ address }: AuditTestService, contentType: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`http://${address}/kubernaut.audit.v1.AuditService/RecordEvents`, {
    method: "POST",
    headers: { "content-type": contentType, "connect-protocol-version": "1" },
    body: body as Uint8Array<ArrayBuffer>,
  });
  const answer = Buffer.from(await response.arrayBuffer());
  if (response.ok) return;
  const { code, message } = JSON.parse(answer.toString("utf8")) as { code: string; message: string };
  assert.equal(code, "invalid_argument", message);
}
