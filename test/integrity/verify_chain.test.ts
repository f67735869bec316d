import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import postgres from "postgres";
import type { PreparedEvent } from "../../src/audit/prepare.ts";
import { Fault } from "../../src/fault.ts";
import { verifyChain } from "../../src/integrity/verify/verify_chain.ts";
import { append, chainEvent, makeMonths } from "../fsck/append_chains.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { indexAll, newSigner, seal } from "./indexed_store.ts";
import { asService, tamperedStore, told, verify } from "./tampered_store.ts";

async function chains(lengths: readonly number[], url: string, atOnce = 1000): Promise<void> {
  await asService(url, async (sql) => {
    await makeMonths(sql);
    for (const [chain, length] of lengths.entries()) {
      for (let position = 1; position <= length; position += atOnce) {
        const events = Math.min(atOnce, length - position + 1);
        await append(
          sql,
          Array.from({ length: events }, (_, place): PreparedEvent => chainEvent(chain + 1, position + place)),
        );
      }
    }
    await indexAll(sql);
    await seal(sql, newSigner());
  });
}

function whole(events: number, waiting = 0) {
  const indexed = events - waiting;
  const counts = { events, headPosition: events, faultCount: 0, indexedEvents: indexed, coveredEvents: indexed };
  return { intact: true, ...counts, faults: [], erasedEvents: 0, removedEvents: 0 };
}

for (const length of [1, 1_000, 100_000]) {
  test(`a chain of ${length} events beside another`, async (context) => {
    const database = await createDatabase("verify");
    context.after(() => database.drop());
    await chains([length, 3], database.url, length > 1_000 ? 10_000 : 700);
    let turns = 0;
    let done = false;
    const others = (async () => {
      for (; !done; turns++) await turn();
    })();
    const { rss } = process.memoryUsage();
    const report = await verify(database.url);
    done = true;
    await others;
    assert.deepEqual(report, whole(length));
    assert.deepEqual(await verify(database.url, "rr-2"), whole(3));
    if (length < 100_000) return;
    // Others had their turn some every ten milliseconds; what is kept does not grow with the chain (60 MB of rows).
    assert.ok(turns > 40, `${turns} turns`);
    assert.ok(process.memoryUsage().rss - rss < 150 * 1024 * 1024);
  });
}

test("appends of one event each, and events that wait for an index", async (context) => {
  const database = await createDatabase("verify");
  context.after(() => database.drop());
  await chains([300, 300], database.url, 1);
  await asService(database.url, (sql) => append(sql, [chainEvent(1, 301), chainEvent(1, 302)]));
  assert.deepEqual(await verify(database.url), whole(302, 2));
  await asService(database.url, (sql) => indexAll(sql));
  assert.deepEqual(await verify(database.url), { ...whole(302), coveredEvents: 300 });
});

test("texts with the characters that stand between fields", async (context) => {
  const database = await createDatabase("verify");
  context.after(() => database.drop());
  const odd = { actor_id: "a\u001fb", namespace: "n\u001e", error_message: '"\\\u2028\n', cluster_name: "n" };
  await asService(database.url, async (sql) => {
    await makeMonths(sql);
    await append(sql, [chainEvent(1, 1, odd), chainEvent(1, 2), chainEvent(1, 3, { ...odd, namespace: "v" })]);
  });
  assert.deepEqual(await verify(database.url), { ...whole(3), indexedEvents: 0, coveredEvents: 0 });
});

test("a text moved from one field to the next is another event, and null is not empty", async (context) => {
  const store = await tamperedStore(context);
  const event = (position: number) => `correlation_id = 'rr-1' AND chain_position = ${position}`;
  await store.damage(
    `UPDATE audit_events SET actor_type = actor_type || E'\\x1f' || actor_id, actor_id = '' WHERE ${event(2)}`,
    `UPDATE audit_events SET cluster_name = '' WHERE ${event(3)}`,
    "ALTER TABLE audit_events ALTER COLUMN event_version DROP NOT NULL",
    `UPDATE audit_events SET event_version = NULL, event_type = event_version || E'\\x1f' || event_type WHERE ${event(4)}`,
  );
  assert.deepEqual(await store.verified(), ["event_hash@2", "event_hash@3", "event_hash@4"]);
});

test("a chain that nobody knows", async (context) => {
  const store = await tamperedStore(context);
  await assert.rejects(verify(store.database.url, "rr-3"), (error: Fault) => {
    assert.deepEqual([error.kind, error.details.reason], ["not_found", "CHAIN_NOT_FOUND"]);
    return error instanceof Fault;
  });
});

test("no database: unavailable; a caller who leaves: his reason", async (context) => {
  const away = { databaseUrl: "postgres://nobody@127.0.0.1:1/none", statementTimeoutMs: 1000 };
  const { signal } = new AbortController();
  await assert.rejects(verifyChain(away, "rr-1", signal), (error: Fault) => {
    assert.deepEqual([error.kind, error.details.reason], ["unavailable", "DATABASE_UNAVAILABLE"]);
    return true;
  });
  const store = await tamperedStore(context);
  const here = { databaseUrl: store.database.url, statementTimeoutMs: 1000 };
  const leaving = new AbortController();
  const reason = new Error("left");
  const verification = verifyChain(here, "rr-1", leaving.signal);
  leaving.abort(reason);
  await assert.rejects(verification, reason);
  await assert.rejects(verifyChain(here, "rr-1", leaving.signal), reason);
});

test("what is told of faults: the first hundred by their places, and how many there are", async (context) => {
  const database = await createDatabase("verify");
  context.after(() => database.drop());
  await chains([300], database.url);
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await admin.unsafe(`SET session_replication_role = replica; UPDATE audit_events SET actor_id = 'nobody'`).simple();
  await admin.end();
  const report = await verify(database.url);
  assert.equal(report.faultCount, 300);
  assert.deepEqual(
    told(report),
    Array.from({ length: 100 }, (_, place) => `event_hash@${place + 1}`),
  );
  assert.deepEqual([report.intact, report.events, report.indexedEvents], [false, 300, 0]);
});

test("any single change of a stored field of any event is found, and named at its place", async (context) => {
  const length = 40;
  const database: TestDatabase = await createDatabase("verify");
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  context.after(async () => {
    await admin.end({ timeout: 1 });
    await database.drop();
  });
  await chains([length, 2], database.url, 7);
  await admin.unsafe("SET session_replication_role = replica");
  await admin.unsafe("CREATE TABLE kept AS SELECT * FROM audit_events WHERE correlation_id = 'rr-1'");
  await admin.unsafe("ALTER TABLE audit_events DROP CONSTRAINT audit_events_date_of_timestamp");
  const stored = `correlation_id = 'rr-1' AND chain_position`;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: length }), fc.constantFrom(...CHANGES), async (position, change) => {
      const [changed] = await admin.unsafe(
        `UPDATE audit_events SET ${change} WHERE ${stored} = ${position} RETURNING event_id`,
      );
      const report = await verify(database.url);
      await admin`DELETE FROM audit_events WHERE event_id = ${changed?.["event_id"]}`;
      await admin.unsafe(`INSERT INTO audit_events SELECT * FROM kept WHERE chain_position = ${position}`);
      assert.equal(report.intact, false);
      assert.equal(report.faults[0]?.position, position);
    }),
    { numRuns: 60 },
  );
  assert.deepEqual(await verify(database.url), whole(length));
});

/** One for each column that the hash covers, and those of the chain itself. */
const CHANGES: readonly string[] = [
  ..."event_version event_type event_category event_action actor_type actor_id resource_type resource_id recorded_by"
    .split(" ")
    .map((column) => `${column} = left('x' || ${column}, 10)`),
  ..."namespace cluster_name severity error_code error_message"
    .split(" ")
    .map((column) => `${column} = coalesce(${column} || 'x', '')`),
  "correlation_id = 'rr-9'",
  "event_id = gen_random_uuid()",
  "event_timestamp = event_timestamp + interval '1 microsecond'",
  "recorded_time = recorded_time - interval '1 microsecond'",
  "event_date = event_date + 1",
  "event_outcome = CASE event_outcome WHEN 'pending' THEN 'success' ELSE 'pending' END",
  "parent_event_id = gen_random_uuid(), parent_event_date = event_date",
  `event_data = event_data || '{"more": 1}'`,
  `event_data = event_data - 'text'`,
  "duration_ms = coalesce(duration_ms, 0) + 1",
  "retention_days = retention_days + 1",
  "is_sensitive = NOT is_sensitive",
  "event_hash = encode(sha256(event_hash::bytea), 'hex')",
  "event_hash = upper(event_hash)",
  "previous_event_hash = CASE chain_position WHEN 1 THEN previous_event_hash ELSE repeat('0', 64) END, event_version = '2'",
];
