// Every kind of damage that the checks of the database know, done to a real one.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { addMonths } from "../../src/custody/partitions.ts";
import { faultText } from "../../src/fsck/findings.ts";
import { openPool } from "../../src/postgres/pool.ts";
import { indexAll } from "../integrity/indexed_store.ts";
import { preparedEvent } from "../support/prepared_event.ts";
import { append, eventId, PAST_MONTH, THIS_MONTH } from "./append_chains.ts";
import { check, type DamagedStore, damagedStore } from "./damaged_store.ts";

const partition = (month: string) => `audit_events_${month.slice(0, 7).replace("-", "_")}`;
const PAST = partition(PAST_MONTH);
const PRESENT = partition(THIS_MONTH);

/** event_hash of the events of rr-1, by position. */
async function hashes({ admin }: DamagedStore): Promise<string[]> {
  const rows = await admin<{ event_hash: string }[]>`
    SELECT event_hash FROM audit_events WHERE correlation_id = 'rr-1' ORDER BY chain_position`;
  return ["", ...rows.map((row) => row.event_hash)];
}

test("a store with nothing wrong has no faults, and everything in it was looked at", async (context) => {
  const store = await damagedStore(context, 7, 40);
  const { lines, checks, notes, faults } = await check(store.database.url);
  assert.deepEqual(lines, []);
  assert.equal(faults, 0);
  assert.deepEqual(notes, []);
  const counts = Object.fromEntries(checks.map(({ check, checked }) => [check, checked]));
  assert.deepEqual(
    { ids: counts["ids"], chains: counts["chains"], heads: counts["heads"] },
    { ids: 280, chains: 280, heads: 7 },
  );
});

test("progress tells how far the walk along the chains is", async (context) => {
  const store = await damagedStore(context, 100, 6);
  const told: number[] = [];
  await check(store.database.url, {
    onProgress({ check, done, total }) {
      if (check !== "chains") return;
      assert.equal(total, 600);
      told.push(done);
    },
  });
  assert.ok(told.length > 3);
  assert.deepEqual(
    told,
    [...told].sort((left, right) => left - right),
  );
  assert.deepEqual([told[0], told.at(-1)], [0, 600]);
});

test("an empty database holds no store", async (context) => {
  const store = await damagedStore(context, 1, 1);
  await store.admin.unsafe("DROP TABLE audit_events CASCADE; DROP TABLE schema_migrations").simple();
  const { lines, checks } = await check(store.database.url);
  assert.equal(lines[0], "schema: a migration of this version is not applied; 0001_audit_events.sql");
  assert.equal(lines.at(-1), "schema: the database holds no audit store");
  assert.deepEqual(
    checks.map((one) => one.check),
    ["schema"],
  );
});

test("migrations: missing, unknown, changed", async (context) => {
  const store = await damagedStore(context, 1, 1);
  await store.damage(
    "UPDATE schema_migrations SET checksum = 'other' WHERE version = 1",
    "INSERT INTO schema_migrations VALUES (99, '0099_later.sql', 'x')",
  );
  const { lines } = await check(store.database.url);
  assert.equal(lines.length, 2);
  assert.match(
    lines[0] ?? "",
    /^schema: a migration was applied with other content .*; 0001_audit_events\.sql; expected [0-9a-f]{64}, found other$/,
  );
  assert.equal(lines[1], "schema: a migration is applied that this version does not know; 0099_later.sql");
  await store.damage("DELETE FROM schema_migrations WHERE version IN (1, 99)");
  assert.deepEqual((await check(store.database.url)).lines, [
    "schema: a migration of this version is not applied; 0001_audit_events.sql",
  ]);
});

test("a changed field breaks the hash of its event, and of no other", async (context) => {
  const store = await damagedStore(context);
  const [, , second = ""] = await hashes(store);
  for (const [set, undo] of [
    ["actor_id = 'somebody'", "actor_id = 'gateway'"],
    [
      "recorded_time = recorded_time + interval '1 microsecond'",
      "recorded_time = recorded_time - interval '1 microsecond'",
    ],
    ["is_sensitive = true", "is_sensitive = false"],
    ["duration_ms = 0", "duration_ms = NULL"],
    [`event_data = event_data || '{"position":3}'`, `event_data = event_data || '{"position":2}'`],
  ]) {
    await store.damage(`UPDATE audit_events SET ${set} WHERE event_id = '${eventId(1, 2)}'`);
    const { found, lines } = await check(store.database.url);
    const [fault] = found;
    assert.deepEqual(found, [
      {
        check: "chains",
        kind: "event_hash",
        correlationId: "rr-1",
        position: 2,
        eventId: eventId(1, 2),
        expected: fault?.expected,
        found: second,
      },
    ]);
    assert.match(fault?.expected ?? "", /^[0-9a-f]{64}$/);
    assert.equal(
      lines[0],
      `chains: event_hash does not follow from the event; correlation rr-1, position 2, event ${eventId(1, 2)}; ` +
        `expected ${fault?.expected}, found ${second}`,
    );
    await store.damage(`UPDATE audit_events SET ${undo} WHERE event_id = '${eventId(1, 2)}'`);
  }
  assert.deepEqual((await check(store.database.url)).lines, []);
});

test("the legal-hold columns are not covered", async (context) => {
  const store = await damagedStore(context);
  await store.damage("UPDATE audit_events SET legal_hold = true, legal_hold_reason = 'a case'");
  assert.deepEqual((await check(store.database.url)).lines, []);
});

test("a changed hash breaks its event, the link to it and, as the last one, its head", async (context) => {
  const store = await damagedStore(context);
  const other = "0".repeat(64);
  const [, , second] = await hashes(store);
  await store.damage(`UPDATE audit_events SET event_hash = '${other}' WHERE event_id = '${eventId(1, 2)}'`);
  assert.deepEqual((await check(store.database.url)).lines, [
    `chains: event_hash does not follow from the event; correlation rr-1, position 2, event ${eventId(1, 2)}; expected ${second}, found ${other}`,
    `chains: previous_event_hash is not the hash of the event before; correlation rr-1, position 3, event ${eventId(1, 3)}; expected ${other}, found ${second}`,
    `log: the hash that waits for an index is not that of its event; correlation rr-1, position 2, event ${eventId(1, 2)}`,
  ]);
  await store.damage(`UPDATE audit_events SET event_hash = '${second}' WHERE event_id = '${eventId(1, 2)}'`);
  await store.damage(`UPDATE audit_chain_heads SET event_hash = '${other}' WHERE correlation_id = 'rr-1'`);
  const [, , , , fourth] = await hashes(store);
  assert.deepEqual((await check(store.database.url)).lines, [
    `heads: a head has another hash than the last event of its chain; correlation rr-1, position 4, event ${eventId(1, 4)}; expected ${fourth}, found ${other}`,
  ]);
});

test("an event that was removed leaves a gap, and its id", async (context) => {
  const store = await damagedStore(context);
  await store.damage(`DELETE FROM audit_events WHERE event_id = '${eventId(1, 2)}'`);
  assert.deepEqual((await check(store.database.url)).lines, [
    `ids: an id is known and its event is not there; position 2, event ${eventId(1, 2)}; expected date ${THIS_MONTH}`,
    `chains: places of a chain are empty; correlation rr-1, position 3, event ${eventId(1, 3)}; expected position 2, found position 3`,
    "log: the log knows events that are not there; correlation rr-1, position 2",
  ]);
});

test("a chain whose newest event was cut off, with its id, does not reach its head", async (context) => {
  const store = await damagedStore(context);
  await store.damage(
    `DELETE FROM audit_events WHERE event_id = '${eventId(1, 4)}'`,
    `DELETE FROM audit_event_ids WHERE event_id = '${eventId(1, 4)}'`,
  );
  assert.deepEqual((await check(store.database.url)).lines, [
    `heads: a chain does not end where its head says; correlation rr-1, position 3, event ${eventId(1, 3)}; expected position 4, found position 3`,
    "log: the log knows events that are not there; correlation rr-1, position 4",
  ]);
});

test("heads without a chain, and chains without a head", async (context) => {
  const store = await damagedStore(context);
  await store.damage(
    "DELETE FROM audit_chain_heads WHERE correlation_id = 'rr-2'",
    "DELETE FROM audit_events WHERE correlation_id = 'rr-1'",
    `DELETE FROM audit_event_ids WHERE event_id::text LIKE '%000001______'`,
  );
  const { lines } = await check(store.database.url);
  assert.deepEqual(lines.toSorted(), [
    `heads: a chain has no head; correlation rr-2, position 4, event ${eventId(2, 4)}`,
    "heads: a head has no chain; correlation rr-1, position 4",
    ...[1, 2, 3, 4].map((position) => {
      return `log: the log knows events that are not there; correlation rr-1, position ${position}`;
    }),
    "log: the log knows events that the chain's head does not; correlation rr-2, position 1",
  ]);
});

test("a fork: one place taken twice, in two months", async (context) => {
  const store = await damagedStore(context);
  const id = randomUUID();
  await store.damage(
    `INSERT INTO audit_events SELECT (jsonb_populate_record(event, '{"event_id":"${id}","chain_position":3}')).*
     FROM audit_events AS event WHERE event_id = '${eventId(1, 4)}'`,
    `INSERT INTO audit_event_ids SELECT '${id}', event_date, 3, salt, submission_digest
     FROM audit_event_ids WHERE event_id = '${eventId(1, 4)}'`,
  );
  const { found } = await check(store.database.url);
  assert.deepEqual(
    found
      .filter(({ kind }) => kind === "fork")
      .map(({ correlationId, position, eventId: of, found: told }) => [
        correlationId,
        position,
        new Set([of, told?.slice(-36)]),
      ]),
    [["rr-1", 3, new Set([id, eventId(1, 3)])]],
  );
  // The copy is not what its hash was made of.
  assert.ok(found.some(({ kind, eventId: of }) => kind === "event_hash" && of === id));
});

test("ids: without a row, without an event, with another date or place, without salt and digest", async (context) => {
  const store = await damagedStore(context);
  const of = (position: number) => `WHERE event_id = '${eventId(1, position)}'`;
  const lone = randomUUID();
  await store.damage(
    `UPDATE audit_event_ids SET chain_position = 7 ${of(1)}`,
    `UPDATE audit_event_ids SET event_date = '2020-02-02' ${of(2)}`,
    `UPDATE audit_event_ids SET salt = NULL, submission_digest = NULL ${of(3)}`,
    `DELETE FROM audit_event_ids ${of(4)}`,
    `INSERT INTO audit_event_ids VALUES ('${lone}', '2020-02-02', 5, '\\x00112233445566778899aabbccddeeff', sha256('x'))`,
  );
  const { lines } = await check(store.database.url);
  const where = (position: number) => `correlation rr-1, position ${position}, event ${eventId(1, position)}`;
  assert.deepEqual(lines.toSorted(), [
    `ids: an event has no row in audit_event_ids; ${where(4)}`,
    `ids: an event has no salt; ${where(3)}`,
    `ids: an event has no submission digest; ${where(3)}`,
    `ids: an id is known and its event is not there; position 5, event ${lone}; expected date 2020-02-02`,
    `ids: audit_event_ids says another date than the event; ${where(2)}; expected ${THIS_MONTH}, found 2020-02-02`,
    `ids: audit_event_ids says another place than the event; ${where(1)}; expected 1, found 7`,
  ]);
});

test("an id that is stored twice, in two months", async (context) => {
  const store = await damagedStore(context);
  await store.damage(
    "DROP INDEX idx_audit_events_chain",
    `INSERT INTO audit_events SELECT (jsonb_populate_record(event, '{"event_id":"${eventId(1, 1)}"}')).*
     FROM audit_events AS event WHERE event_id = '${eventId(2, 4)}'`,
  );
  const { lines } = await check(store.database.url);
  assert.ok(
    lines.includes(
      `ids: an event id is stored twice; correlation rr-2, position 4, event ${eventId(1, 1)}; expected ${PAST_MONTH}, found also ${THIS_MONTH}`,
    ),
    lines.join("\n"),
  );
});

test("months without a partition, partitions that are detached or hold another month", async (context) => {
  const store = await damagedStore(context);
  const next = partition(addMonths(THIS_MONTH, 1));
  const after = addMonths(THIS_MONTH, 2);
  await store.admin
    .unsafe(`ALTER TABLE audit_events DETACH PARTITION ${next};
    CREATE TABLE audit_events_2001_01 PARTITION OF audit_events FOR VALUES FROM ('2001-02-01') TO ('2001-03-01')`)
    .simple();
  const { lines } = await check(store.database.url, { monthsAhead: 2 });
  assert.deepEqual(lines, [
    "partitions: nothing keeps rows from being changed: a trigger is missing or off; audit_events_2001_01; expected trigger audit_events_guard_truncate",
    "partitions: a partition holds another month than its name says; audit_events_2001_01; " +
      "expected FOR VALUES FROM ('2001-01-01') TO ('2001-02-01'), found FOR VALUES FROM ('2001-02-01') TO ('2001-03-01')",
    `partitions: a partition is not part of audit_events; ${next}`,
    `partitions: a month has no partition; ${next}`,
    `partitions: a month has no partition; ${partition(after)}`,
  ]);
});

test("triggers that are missing or off", async (context) => {
  const store = await damagedStore(context);
  await store.admin
    .unsafe(`ALTER TABLE ${PAST} DISABLE TRIGGER audit_events_guard;
    DROP TRIGGER audit_events_guard_truncate ON ${PRESENT};
    ALTER TABLE audit_events_default DISABLE TRIGGER ALL`)
    .simple();
  const said = "partitions: nothing keeps rows from being changed: a trigger is missing or off";
  assert.deepEqual((await check(store.database.url)).lines, [
    `${said}; ${PAST}; expected trigger audit_events_guard`,
    `${said}; ${PRESENT}; expected trigger audit_events_guard_truncate`,
    `${said}; audit_events_default; expected trigger audit_events_guard`,
    `${said}; audit_events_default; expected trigger audit_events_guard_truncate`,
  ]);
});

test("events of the default partition are noted", async (context) => {
  const store = await damagedStore(context);
  await using sql = ending(store.database.url);
  await append(sql.pool, [
    preparedEvent({ event_timestamp: "1969-12-31T23:59:59.999999Z", correlation_id: "old" }),
    preparedEvent({ event_timestamp: "0001-01-01T00:00:00.000000Z", correlation_id: "old" }),
  ]);
  const lost = addMonths(THIS_MONTH, -3);
  await append(sql.pool, [preparedEvent({ event_timestamp: `${lost}T00:00:00.000000Z`, correlation_id: "late" })]);
  const { lines, notes } = await check(store.database.url);
  assert.deepEqual(lines, []);
  assert.deepEqual(notes, [
    { check: "partitions", text: `1 events wait in the default partition until ${partition(lost)} is made` },
    {
      check: "partitions",
      text: "2 events older than the retention, or of months too far ahead, are in the default partition",
    },
  ]);
});

test("events in the partition of another month, and with a date that is not theirs", async (context) => {
  const store = await damagedStore(context);
  const id = eventId(1, 4);
  // What the constraints of a healthy table refuse: they are taken away, and later claimed to hold.
  await store.admin
    .unsafe(`ALTER TABLE audit_events DETACH PARTITION ${PAST};
    BEGIN; SET LOCAL session_replication_role = replica;
    INSERT INTO ${PAST} SELECT * FROM ${PRESENT} WHERE event_id = '${id}';
    DELETE FROM ${PRESENT} WHERE event_id = '${id}';
    COMMIT;
    ALTER TABLE ${PAST} ADD CONSTRAINT pretended CHECK (event_date IS NOT NULL AND event_date >= '${PAST_MONTH}' AND event_date < '${addMonths(PAST_MONTH, 1)}') NOT VALID;
    UPDATE pg_constraint SET convalidated = true WHERE conname = 'pretended';
    ALTER TABLE audit_events ATTACH PARTITION ${PAST} FOR VALUES FROM ('${PAST_MONTH}') TO ('${addMonths(PAST_MONTH, 1)}')`)
    .simple();
  const wrong = await check(store.database.url);
  assert.deepEqual(wrong.found.filter(({ check }) => check === "partitions").map(faultText), [
    `partitions: an event is in a partition of another month; ${PAST}, correlation rr-1, event ${id}; expected ${PRESENT}, found ${PAST}`,
  ]);
  await store.admin.unsafe(`ALTER TABLE audit_events DROP CONSTRAINT audit_events_date_of_timestamp`);
  await store.damage(
    `UPDATE audit_events SET event_timestamp = event_timestamp + interval '1 day' WHERE event_id = '${eventId(2, 2)}'`,
  );
  const dated = await check(store.database.url);
  const day = `${THIS_MONTH.slice(0, 8)}02`;
  assert.ok(
    dated.lines.includes(
      `partitions: event_date is not the day of event_timestamp; ${PRESENT}, correlation rr-2, event ${eventId(2, 2)}; expected ${day}, found ${THIS_MONTH}`,
    ),
  );
});

test("one correlation alone", async (context) => {
  const store = await damagedStore(context, 3);
  await store.damage(
    "UPDATE audit_events SET actor_id = 'x' WHERE chain_position = 2",
    "DELETE FROM audit_chain_heads",
  );
  const { lines, checks } = await check(store.database.url, { correlationId: "rr-2" });
  assert.deepEqual(
    lines.map((line) => line.split(";").slice(0, 2).join(";")),
    [
      `chains: event_hash does not follow from the event; correlation rr-2, position 2, event ${eventId(2, 2)}`,
      `heads: a chain has no head; correlation rr-2, position 4, event ${eventId(2, 4)}`,
    ],
  );
  assert.equal(checks.find(({ check }) => check === "chains")?.checked, 4);
  assert.equal(checks.find(({ check }) => check === "log")?.skipped, "not checked for one correlation alone");
});

test("what is appended meanwhile raises no false alarm", async (context) => {
  const store = await damagedStore(context, 300, 4);
  await using writing = ending(store.database.url);
  let position = 4;
  let stopped = false;
  const writer = (async () => {
    while (!stopped) {
      position++;
      const chains = Array.from({ length: 20 }, (_, index) => ((position * 20 + index) % 300) + 1);
      await append(
        writing.pool,
        chains.map((chain) =>
          preparedEvent({
            correlation_id: `rr-${chain}`,
            event_timestamp: `${THIS_MONTH}T00:00:00.000000Z`,
          }),
        ),
      );
      if (position % 7 === 0) await indexAll(writing.pool, 50);
    }
  })();
  for (let run = 0; run < 5; run++) {
    const { lines, checks } = await check(store.database.url);
    assert.deepEqual(lines, []);
    const [ids, events] = ["ids", "chains"].map((name) => checks.find(({ check }) => check === name)?.checked);
    assert.equal(ids, events, "all checks looked at one state");
  }
  stopped = true;
  await writer;
  assert.ok(position > 6, "something was appended");
});

test("it ends when it is asked to, and without a database it says so", async (context) => {
  const store = await damagedStore(context, 100, 4);
  const asked = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(
    check(store.database.url, { signal: asked.signal, onProgress: () => asked.abort(reason) }),
    reason,
  );
  await assert.rejects(check("postgres://nobody@127.0.0.1:1/none"), { code: "ECONNREFUSED" });
});

function ending(url: string) {
  const pool = openPool({ url, connections: 1, applicationName: "test", statementTimeoutMs: 0 });
  return { pool, [Symbol.asyncDispose]: () => pool.end({ timeout: 1 }) };
}
