import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, ScalarType } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { type AuditEvent, AuditEventSchema, EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  GetEventRequestSchema,
  ListEventsRequestSchema,
  RecordEventsRequestSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type QuickCheck, quickCheck } from "./quick_check.ts";

const check = quickCheck(AuditEventSchema) as QuickCheck;
const validator = createValidator();
const isValid = (event: AuditEvent) => validator.validate(AuditEventSchema, event).kind === "valid";

const valid = {
  eventId: "0190C3A6-7f5e-7cc3-98c4-dc0c0c07398f",
  eventTimestamp: create(TimestampSchema, { seconds: 1n }),
  eventType: "gateway.signal.received",
  eventOutcome: EventOutcome.SUCCESS,
  correlationId: "rr-1",
};

/** Texts at and around the limits of length, in characters of one and of two UTF-16 units. */
const text = fc
  .tuple(
    fc.constantFrom(0, 1, 10, 20, 50, 100, 253, 255, 65536),
    fc.integer({ min: -1, max: 1 }),
    fc.constantFrom("a", "é", "🙂", "A", "."),
  )
  .map(([limit, beside, character]) => character.repeat(Math.max(0, limit + beside)));
const strings = AuditEventSchema.fields
  .filter((field) => field.scalar === ScalarType.STRING)
  .map(({ localName }) => localName);

const anyEvent = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...strings), fc.oneof(text, fc.string({ unit: "binary" })), { maxKeys: 2 }),
    fc.record(
      {
        eventId: fc.constantFrom("", "x", valid.eventId, `${valid.eventId}0`, valid.eventId.replaceAll("-", "")),
        eventOutcome: fc.integer({ min: -1, max: 5 }),
        parentEventDate: fc.constantFrom("", "2026-01-31", "2026-1-31", "2026-13-01"),
        durationMs: fc.constantFrom(-1n, 0n, 2n ** 53n - 1n, 2n ** 53n),
        retentionDays: fc.constantFrom(-1, 0, 1, 36_500, 36_501),
        eventTimestamp: fc.constantFrom(undefined, valid.eventTimestamp),
        eventType: fc.constantFrom("", "a", "a.b_c-1", "A.b", "a..b", ".a", "a.b\n"),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([texts, fields]) => create(AuditEventSchema, { ...valid, ...texts, ...fields } as never));

describe("the quick check", () => {
  it("passes nothing that the validator refuses", () => {
    fc.assert(
      fc.property(anyEvent, (event) => !check(event) || isValid(event)),
      { numRuns: 3000 },
    );
  });

  it("passes events at the limits, so that the validator is left for the few that break one", () => {
    const most = {
      eventVersion: "v".repeat(10),
      eventType: "t".repeat(100),
      correlationId: "c".repeat(255),
      parentEventId: valid.eventId,
      parentEventDate: "2026-01-31",
      errorMessage: "m".repeat(65_536),
      durationMs: 2n ** 53n - 1n,
      retentionDays: 36_500,
      payload: { case: "gateway" as const, value: {} },
    };
    assert.ok(check(create(AuditEventSchema, valid)));
    assert.ok(check(create(AuditEventSchema, { ...valid, ...most })));
    assert.ok(check(create(AuditEventSchema, { ...valid, durationMs: 0n, retentionDays: 1 })));
  });

  it("is not made where a rule is none of the plain ones", () => {
    assert.equal(quickCheck(RecordEventsRequestSchema), undefined, "a rule in CEL");
    assert.equal(quickCheck(GetEventRequestSchema), undefined, "values that an enum may not have");
    assert.equal(quickCheck(ListEventsRequestSchema), undefined, "rules of a message within");
  });
});
