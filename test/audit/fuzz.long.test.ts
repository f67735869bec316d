import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startAuditService } from "../support/audit_service.ts";
import { fuzzBytes, fuzzJson, fuzzRecordEvents, fuzzSeed } from "../support/fuzz.ts";

const service = await startAuditService({ after });
const seed = fuzzSeed();

test("a hundred thousand events, good and bad: never INTERNAL, and what was RECORDED reads back equal", async () => {
  const { events, recorded, rejected } = await fuzzRecordEvents(service, seed, 2500);
  console.log(`# ${events} events: ${recorded} recorded, ${rejected} rejected`);
  assert.ok(events > 90_000);
});

test("requests whose bytes were changed on the way are never INTERNAL", async () => {
  await fuzzBytes(service, seed, 30_000);
});

test("ProtoJSON with anything in its fields is never INTERNAL", async () => {
  await fuzzJson(service, seed, 30_000);
});
