// Two services, each a process of its own, on one database.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import postgres from "postgres";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { type AuditCaller, newEvent, newEvents, openCaller, outcomes } from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { createDatabase } from "../support/database.ts";
import { IngestCaller } from "../support/ingest_caller.ts";
import { startService, type TestService } from "../support/service.ts";

const database = await createDatabase("two_processes");
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
const services: TestService[] = [];
const callers: AuditCaller[] = [];
before(async () => {
  const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1", DATASTORAGE_LOG_LEVEL: "warn" };
  services.push(...(await Promise.all([startService(env), startService(env)])));
  callers.push(...services.map(({ address }) => openCaller(address)));
});
after(async () => {
  for (const caller of callers) caller.close();
  await Promise.all(services.map((service) => service.stop()));
  await admin.end();
  await database.drop();
});

test("writers of one correlation in both make one chain, each writer's events in its order", async () => {
  const correlationId = "one chain";
  const calls = 25;
  const writers = callers.flatMap(({ client }) => [client, client]);
  const sent = await Promise.all(
    writers.map(async (client) => {
      const mine: AuditEvent[] = [];
      for (let call = 0; call < calls; call++) {
        const events = newEvents(1 + (call % 7), { correlationId });
        const { results } = await client.recordEvents({ events });
        assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]));
        mine.push(...events);
      }
      return mine;
    }),
  );
  const [one] = callers as [AuditCaller];
  const chain = (await verifiedChain(one.client, admin, correlationId)).map((event) => event.eventId);
  assert.equal(chain.length, sent.flat().length);
  for (const mine of sent) {
    const ids = new Set(mine.map(({ eventId }) => eventId));
    assert.deepEqual(
      chain.filter((id) => ids.has(id)),
      mine.map(({ eventId }) => eventId),
    );
  }
});

test("streams of one correlation in both make one chain", async () => {
  const correlationId = "streams";
  await Promise.all(
    callers.map(async ({ client }) => {
      const stream = new IngestCaller(client);
      for (let batch = 1n; batch <= 20n; batch++) stream.push(batch, newEvents(50, { correlationId }));
      const answers = await stream.end();
      assert.deepEqual(
        answers.map(({ recorded, status }) => [recorded, status?.code]),
        new Array(20).fill([50, 0]),
      );
    }),
  );
  const [one] = callers as [AuditCaller];
  assert.equal((await verifiedChain(one.client, admin, correlationId)).length, 2000);
});

test("the same events to both at the same moment are stored once", async () => {
  const [one, two] = callers as [AuditCaller, AuditCaller];
  for (let round = 0; round < 10; round++) {
    // Several correlations in another order each, so that the two appends hold some of the same rows at any moment.
    const events = newEvents(60).map((event, index) => ({ ...event, correlationId: `moment ${round} ${index % 6}` }));
    const [left, right] = await Promise.all([
      one.client.recordEvents({ events }),
      two.client.recordEvents({ events: events.toReversed() }),
    ]);
    const mirrored = right.results.toReversed();
    for (const [index, result] of left.results.entries()) {
      const pair = outcomes([result, mirrored[index] as typeof result]);
      assert.deepEqual(pair.toSorted(), ["DUPLICATE", "RECORDED"]);
      assert.equal(result.chainPosition, mirrored[index]?.chainPosition);
      assert.equal(result.eventHash, mirrored[index]?.eventHash);
    }
  }
  const [row] = await admin`SELECT count(*)::int AS rows FROM audit_events WHERE correlation_id LIKE 'moment %'`;
  assert.equal(row?.["rows"], 600);
});

test("one id with two contents to both at the same moment: one is stored, the other conflicts", async () => {
  const [one, two] = callers as [AuditCaller, AuditCaller];
  for (let round = 0; round < 10; round++) {
    const event = newEvent({ correlationId: `contents ${round}` });
    const [left, right] = await Promise.all([
      one.client.recordEvents({ events: [event] }),
      two.client.recordEvents({ events: [{ ...event, severity: "high" }] }),
    ]);
    assert.deepEqual(outcomes([...left.results, ...right.results]).toSorted(), ["CONFLICT", "RECORDED"]);
  }
});
