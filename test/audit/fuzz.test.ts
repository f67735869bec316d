import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startAuditService } from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { fuzzBytes, fuzzJson, fuzzRecordEvents, fuzzSeed } from "../support/fuzz.ts";

const service = await startAuditService({ after });
const seed = fuzzSeed();

test("thousands of events, good and bad: never INTERNAL, and what was RECORDED reads back equal", async () => {
  const { events, recorded, rejected } = await fuzzRecordEvents(service, seed, 120);
  console.log(`# ${events} events: ${recorded} recorded, ${rejected} rejected`);
  assert.ok(recorded > events / 4 && rejected > events / 10, "both kinds were met");
  const [longest] =
    await service.admin`SELECT correlation_id AS id FROM audit_chain_heads ORDER BY chain_position DESC`;
  assert.ok((await verifiedChain(service.client, service.admin, longest?.["id"])).length > 50);
});

test("requests whose bytes were changed on the way are never INTERNAL", async () => {
  await fuzzBytes(service, seed, 500);
});

test("ProtoJSON with anything in its fields is never INTERNAL", async () => {
  await fuzzJson(service, seed, 500);
});
