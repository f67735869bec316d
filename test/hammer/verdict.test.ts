// The verdict on made-up histories and rows: clean when they agree, and each kind of fault is seen where it is put.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import postgres from "postgres";
import { eventId } from "../../hammer/client/event_id.ts";
import type { Line } from "../../hammer/client/history.ts";
import { KINDS, type Kind, type MadeEvent, payloadText, twinOf } from "../../hammer/client/made_event.ts";
import { type Verdict, verdict } from "../../hammer/verdict/verdict.ts";
import { createDatabase } from "../support/database.ts";

const SEED = 4_294_967_295;
const folder = await mkdtemp(join(tmpdir(), "datastorage-verdict-"));
const database = await createDatabase("verdict");
const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
after(async () => {
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

// As a superuser may: nobody else empties the log.
beforeEach(async () => {
  await sql`SET session_replication_role = replica`;
  await sql`DELETE FROM audit_events`;
});

function event(counter: number, changed: Partial<MadeEvent> = {}): MadeEvent {
  return {
    id: eventId(SEED, { process: 4095, source: 7, counter }),
    kind: KINDS[1] as Kind,
    correlationId: "one",
    micros: 1_795_306_741_431_000 + counter,
    severity: "",
    durationMs: 12,
    errorMessage: "unit \u001f, record \u001e",
    members: `"body": "\\u001f \\" → ${counter}", "counter": ${counter}`,
    ...changed,
  };
}

/** Stores an event as the service would. */
async function store(made: MadeEvent, place: number): Promise<void> {
  const time = new Date(made.micros / 1000).toISOString().replace(/\d{3}Z$/, `${String(made.micros).slice(-6)}Z`);
  await sql.unsafe(
    `INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type, event_category, event_action, event_outcome,
       actor_type, actor_id, resource_type, resource_id, correlation_id, duration_ms, error_message, event_data, event_hash,
       previous_event_hash, chain_position, recorded_time, recorded_by)
     VALUES ($1, $2::text::timestamptz, $3, $4, $5, 'made', 'success', 'service', 'test', 'Test', 'test', $6, $7, $8,
       $9::text::jsonb, 'hash', $10, $11, now(), 'test')`,
    [
      ...[made.id, time, time.slice(0, 10), made.kind.type, made.kind.category, made.correlationId],
      ...[made.durationMs ?? null, made.errorMessage, payloadText(made), place === 1 ? null : "hash", place],
    ],
  );
}

const BEGIN: Line = { t: "process", seed: SEED, process: 4095 };
const CALLS: readonly Line[] = [1, 2].map((call) => ({ t: "opened", call, address: "here", ordered: true }));

/** A batch of new events, sent once and acknowledged. */
function batch(number: number, first: number, outcomes: string, { call = 1, required = false } = {}): Line[] {
  const count = [...outcomes.matchAll(/\d+/g)].reduce((sum, [each]) => sum + Number(each), 0);
  return [
    { t: "batch", batch: number, source: 7, first, count, required },
    { t: "sent", batch: number, call },
    { t: "acked", batch: number, call, outcomes },
  ];
}

async function judge(lines: readonly Line[], allowLostQueued = false): Promise<Verdict> {
  const history = join(folder, "history.jsonl");
  await writeFile(history, `${[BEGIN, ...CALLS, ...lines].map((line) => JSON.stringify(line)).join("\n")}\n{"t":"ack`);
  const databaseUrl = database.url;
  return verdict({ histories: [history], databaseUrl, allowLostQueued, lostQueuedFile: join(folder, "names.txt") });
}

/** How often each kind was found, without those that were not. */
function found(result: Verdict): Record<string, number> {
  const { lost, lostQueued, duplicated, unexpected, outOfOrder, conflicting } = result;
  const all = { lost, lostQueued, duplicated, unexpected, outOfOrder, conflicting };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, { count }]) => count > 0)
      .map(([name, { count }]) => [name, count]),
  );
}

test("what was told and what is stored agree, with batches sent again, repeats and twins", async () => {
  for (const counter of [0, 1, 2, 3, 4]) await store(event(counter), counter + 1);
  const result = await judge([
    ...batch(1, 0, "R2D1"),
    { t: "batch", batch: 2, source: 7, first: 3, count: 2, required: false },
    { t: "sent", batch: 2, call: 1 },
    { t: "unknown", batch: 2, call: 1, why: "UNAVAILABLE: gone" },
    { t: "sent", batch: 2, call: 2 },
    { t: "acked", batch: 2, call: 2, outcomes: "Q2" },
    { t: "repeat", batch: 3, of: 1 },
    { t: "sent", batch: 3, call: 2 },
    { t: "acked", batch: 3, call: 2, outcomes: "D2Q1" },
    { t: "twin", batch: 4, source: 7, counter: 0 },
    { t: "sent", batch: 4, call: 2 },
    { t: "acked", batch: 4, call: 2, outcomes: "Q1" },
    // Sent, and neither acknowledged nor stored.
    { t: "batch", batch: 5, source: 7, first: 5, count: 10, required: false },
    { t: "sent", batch: 5, call: 2 },
  ]);
  assert.deepEqual(found(result), {});
  assert.equal(result.clean, true);
  assert.deepEqual([...result.twinIds], [event(0).id]);
  assert.deepEqual(result.totals, {
    sent: 15,
    acknowledged: 5,
    recorded: 2,
    queued: 2,
    duplicates: 1,
    open: 10,
    unknown: 2,
    resent: 2,
    repeated: 3,
    twins: 1,
    twinsQueued: 1,
    stored: 5,
  });
});

test("an acknowledged event that is not stored is lost, whatever the outcome was", async () => {
  await store(event(1), 1);
  const result = await judge(batch(1, 0, "R2D1Q1"));
  assert.deepEqual(found(result), { lost: 3 });
  assert.equal(result.clean, false);
  assert.match(result.lost.first[0] as string, new RegExp(`^${event(0).id}, event 0 of source 7 of process 4095`));
});

test("a recorded event that a read did not find is lost, although it is there in the end", async () => {
  await store(event(0), 1);
  assert.deepEqual(found(await judge([...batch(1, 0, "R1"), { t: "missing", batch: 1 }])), { lost: 1 });
});

test("where the queue was wiped, an event that was only ever QUEUED may be absent, and is named", async () => {
  const lines: Line[] = [
    ...batch(1, 0, "Q3R1"),
    { t: "repeat", batch: 2, of: 1 },
    { t: "sent", batch: 2, call: 1 },
    { t: "acked", batch: 2, call: 1, outcomes: "Q1R1Q1D1" },
  ];
  await store(event(3), 1);
  // Came in by its repeat, behind what was sent after it.
  await store(event(1), 2);
  const result = await judge(lines, true);
  assert.deepEqual(found(result), { lostQueued: 2 });
  assert.equal(result.clean, true);
  assert.equal(await readFile(join(folder, "names.txt"), "utf8"), `${event(0).id}\n${event(2).id}\n`);

  assert.deepEqual(found(await judge(lines)), { lost: 2, outOfOrder: 1 });
  await sql`DELETE FROM audit_events WHERE event_id = ${event(3).id}`;
  assert.deepEqual(found(await judge(lines, true)), { lost: 1, lostQueued: 2 });
});

test("an id that is stored on two days is duplicated", async () => {
  await store(event(0), 1);
  await store(event(0, { micros: event(0).micros + 86_400_000_000 }), 2);
  assert.deepEqual(found(await judge(batch(1, 0, "R1"))), { duplicated: 1 });
});

test("a row that nobody sent is unexpected: made but never sent, of another seed, of no client", async () => {
  await store(event(0), 1);
  await store(event(1), 2);
  await store(event(2, { id: eventId(1, { process: 4095, source: 7, counter: 2 }) }), 3);
  await store(event(3, { id: eventId(SEED, { process: 4094, source: 7, counter: 3 }) }), 4);
  await store(event(4, { id: "0190a000-0000-4000-8000-000000000000" }), 5);
  const lines: Line[] = [
    ...batch(1, 0, "R1"),
    { t: "batch", batch: 2, source: 7, first: 1, count: 1, required: false },
  ];
  assert.deepEqual(found(await judge(lines)), { unexpected: 4 });
});

test("events of one stream and correlation in another order than they were sent are out of order", async () => {
  await store(event(0), 2);
  await store(event(1), 1);
  await store(event(2), 3);
  const result = await judge(batch(1, 0, "R3"));
  assert.deepEqual(found(result), { outOfOrder: 1 });
  assert.match(result.outOfOrder.first[0] as string, /at place 1 of one, sent after .* at place 2 on stream 1 of/);
});

test("two streams, two correlations and calls keep no order with each other", async () => {
  await store(event(0), 2);
  await store(event(1), 1);
  assert.deepEqual(found(await judge([...batch(1, 0, "Q1"), ...batch(2, 1, "R1", { call: 2 })])), {});
  assert.deepEqual(found(await judge(batch(1, 0, "R2", { call: 3 }))), {}, "calls");

  await sql`DELETE FROM audit_events`;
  await store(event(0), 2);
  await store(event(1, { correlationId: "other" }), 1);
  assert.deepEqual(found(await judge(batch(1, 0, "R2"))), {}, "correlations");
});

test("what was queued and is sent again on another stream has no order any more, on the same one it has", async () => {
  await store(event(0), 2);
  await store(event(1), 1);
  const again = (call: number): Line[] => [
    ...batch(1, 0, "Q1"),
    ...batch(2, 1, "Q1"),
    { t: "repeat", batch: 3, of: 2 },
    { t: "sent", batch: 3, call },
    { t: "acked", batch: 3, call, outcomes: "R1" },
  ];
  assert.deepEqual(found(await judge(again(2))), {});
  assert.deepEqual(found(await judge(again(1))), { outOfOrder: 1 });
});

test("where the queue is wiped, what is queued again takes the place of the second time", async () => {
  await store(event(0), 2);
  await store(event(1), 1);
  const lines: Line[] = [
    ...batch(1, 0, "Q1"),
    ...batch(2, 1, "Q1"),
    { t: "repeat", batch: 3, of: 1 },
    { t: "sent", batch: 3, call: 1 },
    { t: "acked", batch: 3, call: 1, outcomes: "Q1" },
  ];
  assert.deepEqual(found(await judge(lines)), { outOfOrder: 1 });
  assert.deepEqual(found(await judge(lines, true)), {});
});

test("a row with other content than was sent is conflicting, in whichever field", async () => {
  await store(event(0), 1);
  const changes = [
    `event_data = event_data || '{"body": "changed"}'`,
    `event_data = event_data - 'counter'`,
    `event_data = '{}'`,
    `error_message = 'changed'`,
    `error_message = NULL`,
    `duration_ms = 13`,
    `severity = 'low'`,
    `correlation_id = 'two'`,
    `event_type = 'gateway.signal.lost'`,
    `event_category = 'notification'`,
    `event_timestamp = event_timestamp + interval '1 microsecond'`,
  ];
  for (const change of changes) {
    await sql.unsafe(`UPDATE audit_events SET ${change}`);
    assert.deepEqual(found(await judge(batch(1, 0, "R1"))), { conflicting: 1 }, change);
    await sql`DELETE FROM audit_events`;
    await store(event(0), 1);
  }
  assert.deepEqual(found(await judge(batch(1, 0, "R1"))), {});
});

test("a twin that is stored in place of its event is conflicting", async () => {
  await store(twinOf(event(0)), 1);
  assert.deepEqual(found(await judge(batch(1, 0, "R1"))), { conflicting: 1 });
});

test("answers that must not be are conflicting", async () => {
  await store(event(0), 1);
  const again = (outcomes: string): Line[] => [
    { t: "repeat", batch: 2, of: 1 },
    { t: "sent", batch: 2, call: 1 },
    { t: "acked", batch: 2, call: 1, outcomes },
  ];
  const twin = (outcomes: string): Line[] => [
    { t: "twin", batch: 2, source: 7, counter: 0 },
    { t: "sent", batch: 2, call: 1 },
    { t: "acked", batch: 2, call: 1, outcomes },
  ];
  const wrong: Record<string, readonly Line[]> = {
    "CONFLICT for a new one": batch(1, 0, "C1"),
    "REJECTED for a new one": batch(1, 0, "J1"),
    "QUEUED where that was not wanted": batch(1, 0, "Q1", { required: true }),
    "RECORDED for a recorded one": [...batch(1, 0, "R1"), ...again("R1")],
    "CONFLICT for a queued one": [...batch(1, 0, "Q1"), ...again("C1")],
    "RECORDED for a twin": [...batch(1, 0, "R1"), ...twin("R1")],
    "DUPLICATE for a twin": [...batch(1, 0, "R1"), ...twin("D1")],
  };
  for (const [name, lines] of Object.entries(wrong)) {
    assert.deepEqual(found(await judge(lines)), { conflicting: 1 }, name);
  }
  assert.deepEqual(
    found(await judge([...batch(1, 0, "Q1"), ...again("R1")])),
    {},
    "RECORDED for a queued one is right",
  );
});

test("a history that contradicts itself is no proof of anything", async () => {
  await assert.rejects(judge([{ t: "sent", batch: 9, call: 1 }]), /never made batch 9/);
  const [made, sent] = batch(1, 0, "R2");
  const short: Line = { t: "acked", batch: 1, call: 1, outcomes: "R1" };
  await assert.rejects(judge([made as Line, sent as Line, short]), /R1 are not the outcomes of 2 events/);
});
