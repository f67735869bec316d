import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema, timestampFromDate } from "@bufbuild/protobuf/wkt";
import postgres, { type Sql } from "postgres";
import { addMonths, monthOf } from "../../src/custody/partitions.ts";
import {
  type AuditTestService,
  listAll,
  newEvent,
  newEvents,
  outcomes,
  startAuditService,
} from "../support/audit_service.ts";
import { asRecorded, verifiedChain } from "../support/chain.ts";

const thisMonth = monthOf(new Date().toISOString());
const nameOf = (month: string) => `audit_events_${month.slice(0, 7).replace("-", "_")}`;
const inMonth = (month: string) => timestampFromDate(new Date(`${month.slice(0, 7)}-10T12:00:00Z`));

/** Events of each partition that holds some. */
async function rows(admin: Sql): Promise<Record<string, number>> {
  const found = await admin<{ name: string; rows: number }[]>`
    SELECT tableoid::regclass::text AS name, count(*)::int AS rows FROM audit_events GROUP BY 1 ORDER BY 1`;
  return Object.fromEntries(found.map((row) => [row.name, row.rows]));
}

async function record(service: AuditTestService, correlationId: string, eventTimestamp: Timestamp) {
  const event = newEvent({ correlationId, eventTimestamp });
  const { results } = await service.client.recordEvents({ events: [event] });
  assert.deepEqual(outcomes(results), ["RECORDED"]);
  return event;
}

test("months ahead are there from the start, one of the past is made when it is needed", async (context) => {
  const service = await startAuditService(context, { DATASTORAGE_MONTHS_AHEAD: "12" });
  const partitions = await service.admin<{ name: string }[]>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1`;
  const ahead = Array.from({ length: 13 }, (_, months) => nameOf(addMonths(thisMonth, months)));
  assert.deepEqual(
    partitions.map(({ name }) => name),
    [...ahead, "audit_events_default"].toSorted(),
  );

  const past = addMonths(thisMonth, -30);
  // Many at once want the same month.
  await Promise.all(Array.from({ length: 20 }, (_, call) => record(service, `past ${call}`, inMonth(past))));
  await record(service, "now", timestampFromDate(new Date()));
  assert.deepEqual(await rows(service.admin), { [nameOf(past)]: 20, [nameOf(thisMonth)]: 1 });
});

test("what is older than the retention or far ahead is kept in the default partition, and read like all else", async (context) => {
  const service = await startAuditService(context, { DATASTORAGE_RETENTION_DAYS: "60" });
  const correlationId = "far";
  const times = [
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "2001-02-03T04:05:06Z",
    "2999-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
  ];
  const sent = [];
  for (const time of times) sent.push(await record(service, correlationId, timestampFromDate(new Date(time))));
  assert.deepEqual(await rows(service.admin), { audit_events_default: 5 });
  for (const event of sent) {
    const { event: read } = await service.client.getEvent({ eventId: event.eventId });
    assert.deepEqual(read?.eventTimestamp, event.eventTimestamp);
  }
  const asc = await listAll(service.client, { filter: { correlationId }, orderBy: "event_timestamp", pageSize: 2 });
  assert.deepEqual(
    asc.map(({ eventId }) => eventId),
    sent.map(({ eventId }) => eventId),
  );
  const old = await listAll(service.client, { filter: { endTime: create(TimestampSchema, { seconds: 0n }) } });
  assert.equal(old.length, 2);
  assert.equal((await verifiedChain(service.client, service.admin, correlationId)).length, 5);
});

test("rows of the default partition move to their month when it is made, unchanged", async (context) => {
  const short = await startAuditService(context, { DATASTORAGE_RETENTION_DAYS: "60" });
  const month = addMonths(thisMonth, -12);
  const correlationId = "moved";
  const events = newEvents(300, { correlationId, eventTimestamp: inMonth(month) });
  const { results } = await short.client.recordEvents({ events });
  await record(short, correlationId, inMonth(addMonths(month, 1)));
  assert.deepEqual(await rows(short.admin), { audit_events_default: 301 });
  const before = await verifiedChain(short.client, short.admin, correlationId);

  // The same database with a longer retention: the next event of that month makes its partition.
  const { client } = await short.restart({ DATASTORAGE_RETENTION_DAYS: "2555" });
  await client.recordEvents({ events: newEvents(1, { correlationId, eventTimestamp: inMonth(month) }) });
  assert.deepEqual(await rows(short.admin), { audit_events_default: 1, [nameOf(month)]: 301 });
  const after = await verifiedChain(client, short.admin, correlationId);
  assert.deepEqual(asRecorded(after.slice(0, 301)), asRecorded(before));
  const again = await client.recordEvents({ events });
  assert.deepEqual(new Set(outcomes(again.results)), new Set(["DUPLICATE"]));
  assert.deepEqual(
    again.results.map(({ eventHash }) => eventHash),
    results.map(({ eventHash }) => eventHash),
  );
});

test("a partition that a reader's lock keeps from being made holds no event up for long", async (context) => {
  const service = await startAuditService(context);
  const month = addMonths(thisMonth, -3);
  const reader = await holdLock(service, "LOCK TABLE audit_events_default IN ACCESS SHARE MODE");
  const begun = performance.now();
  await record(service, "locked", inMonth(month));
  assert.ok(performance.now() - begun < 4000, "the lock is waited for, for two seconds");
  const second = performance.now();
  await record(service, "locked", inMonth(month));
  assert.ok(performance.now() - second < 1500, "and not again by the next append");
  assert.deepEqual(await rows(service.admin), { audit_events_default: 2 });
  await reader.release();
  const { client } = await service.restart();
  await client.recordEvents({ events: newEvents(1, { correlationId: "locked", eventTimestamp: inMonth(month) }) });
  assert.deepEqual(await rows(service.admin), { [nameOf(month)]: 3 });
});

test("a lock that keeps the months ahead from being made does not keep the service from starting", async (context) => {
  const service = await startAuditService(context);
  const reader = await holdLock(service, "LOCK TABLE audit_events_default IN ACCESS SHARE MODE");
  const { client } = await service.restart({ DATASTORAGE_MONTHS_AHEAD: "3" });
  const next = newEvent({ eventTimestamp: inMonth(addMonths(thisMonth, 1)) });
  assert.deepEqual(outcomes((await client.recordEvents({ events: [next] })).results), ["RECORDED"]);
  await reader.release();
});

test("rows of the log cannot be changed or removed, in the table or in any partition", async (context) => {
  const service = await startAuditService(context, { DATASTORAGE_RETENTION_DAYS: "60" });
  await record(service, "guarded", timestampFromDate(new Date()));
  await record(service, "guarded", inMonth("2001-01-01"));
  const owner = postgres(service.database.url, { max: 1, onnotice: () => {} });
  const refused = { code: "42501", message: /rows of audit_events are never changed/ };
  for (const sql of [owner, service.admin]) {
    for (const table of ["audit_events", nameOf(thisMonth), "audit_events_default"]) {
      await assert.rejects(sql.unsafe(`UPDATE ${table} SET severity = 'low'`), refused);
      await assert.rejects(sql.unsafe(`UPDATE ${table} SET legal_hold = true`), refused);
      await assert.rejects(sql.unsafe(`DELETE FROM ${table}`), refused);
      await assert.rejects(sql.unsafe(`TRUNCATE ${table}`), refused);
    }
  }
  await owner.end();
  assert.equal((await verifiedChain(service.client, service.admin, "guarded")).length, 2);
});

test("custody may set the hold columns and remove rows, and change nothing else", async (context) => {
  const service = await startAuditService(context);
  await record(service, "custody", timestampFromDate(new Date()));
  const inCustody = (statement: string) =>
    service.admin.begin(async (sql) => {
      await sql`SELECT set_config('datastorage.custody', 'on', true)`;
      await sql.unsafe(statement);
    });
  await assert.rejects(inCustody("UPDATE audit_events SET legal_hold = true, severity = 'low'"), { code: "42501" });
  await assert.rejects(inCustody("TRUNCATE audit_events"), { code: "42501" });
  await inCustody("UPDATE audit_events SET legal_hold = true, legal_hold_reason = 'case 1'");
  const [held] = await verifiedChain(service.client, service.admin, "custody");
  assert.deepEqual([held?.legalHold, held?.legalHoldReason], [true, "case 1"], "and every hash still holds");
  await inCustody("DELETE FROM audit_events");
  assert.deepEqual(await rows(service.admin), {});
});

test("a restart keeps everything", async (context) => {
  const service = await startAuditService(context);
  const correlationId = "kept";
  await service.client.recordEvents({ events: newEvents(10, { correlationId }) });
  const before = await verifiedChain(service.client, service.admin, correlationId);
  const { client } = await service.restart();
  assert.deepEqual(asRecorded(await verifiedChain(client, service.admin, correlationId)), asRecorded(before));
  const { results } = await client.recordEvents({ events: newEvents(1, { correlationId }) });
  assert.equal(results[0]?.chainPosition, 11n);
});

/** Holds a lock in a transaction, on a connection of its own, until it is released. */
async function holdLock({ database }: AuditTestService, statement: string): Promise<{ release(): Promise<void> }> {
  const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await sql.unsafe(`BEGIN; ${statement}`);
  return { release: () => sql.end() };
}
