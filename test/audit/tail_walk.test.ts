// The walk along the log: any split of it into resumes and steps gives the same sequence, and nothing is read that nobody takes.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { EventOutcome } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { TailEventsRequestSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { toFilterQuery } from "../../src/audit/read/filter_message.ts";
import { walkLog } from "../../src/audit/read/log_walk.ts";
import type { EventQuery } from "../../src/audit/read/query.ts";
import { tailEvents } from "../../src/audit/tail/tail.ts";
import { LogReader } from "../../src/integrity/log/log_reader.ts";
import { Database } from "../../src/postgres/database.ts";
import { newEvent, startAuditService } from "../support/audit_service.ts";
import { range, TailCaller } from "../support/tail_caller.ts";

const service = await startAuditService({ after });
const options = { connections: 2, applicationName: "walk", statementTimeoutMs: 30_000, planForValues: true };
const database = new Database({ url: service.database.url, ...options });
service.closeFirst(() => database.end());

const EVENTS = 150;
/** Bytes of payload, so that steps of a few thousand bytes hold one event or many. */
const sizeOf = (number: number) => (number % 11 === 0 ? 9_000 : (number % 4) * 200);
for (let first = 0; first < EVENTS; first += 30) {
  const events = range(first, first + 30).map((number) =>
    newEvent({
      correlationId: `rr ${number % 5}`,
      eventOutcome: number % 3 === 0 ? EventOutcome.FAILURE : EventOutcome.SUCCESS,
      eventTimestamp: { seconds: 1_772_000_000n + BigInt((number % 7) * 86_400 * 20), nanos: 0 },
      payload: { case: "eventData", value: { text: "x".repeat(sizeOf(number)) } },
    }),
  );
  await service.client.recordEvents({ events });
}
const whole = new TailCaller(service.client);
await whole.until(() => whole.events.length === EVENTS);
await whole.stop();

const gone = new Set<number>();
await service.admin.begin(async (sql) => {
  await sql`SET LOCAL session_replication_role = replica`;
  for (const { eventId, logIndex } of whole.events) {
    const place = Number(logIndex);
    if (place % 13 !== 5 && (place < 50 || place > 70)) continue;
    await sql`DELETE FROM audit_events WHERE event_id = ${eventId}`;
    gone.add(place);
  }
});

const QUERIES: Readonly<
  Record<string, { query: EventQuery; matches: (event: (typeof whole.events)[number]) => boolean }>
> = {
  all: { query: filter({}), matches: () => true },
  chain: { query: filter({ correlationId: "rr 2" }), matches: ({ correlationId }) => correlationId === "rr 2" },
  failures: {
    query: filter({ eventOutcomes: [EventOutcome.FAILURE] }),
    matches: ({ eventOutcome }) => eventOutcome === EventOutcome.FAILURE,
  },
  "failures of a chain": {
    query: filter({ correlationId: "rr 4", eventOutcomes: [EventOutcome.FAILURE] }),
    matches: (event) => event.correlationId === "rr 4" && event.eventOutcome === EventOutcome.FAILURE,
  },
  none: { query: filter({ severities: ["none"] }), matches: () => false },
};

function filter(fields: object): EventQuery {
  return toFilterQuery(create(TailEventsRequestSchema, { filter: fields }).filter);
}

interface Walked {
  readonly ids: string[];
  readonly removed: number[];
}

/** Walks a stretch of the log, and holds each step to what a step promises. */
async function walk(query: EventQuery, from: number, end: number, maxBytes: number): Promise<Walked> {
  const walked: Walked = { ids: [], removed: [] };
  const { signal } = new AbortController();
  let upTo = from - 1;
  for await (const step of walkLog(database, { query, after: upTo, end, maxBytes, signal })) {
    const places = step.rows.map(({ log_index }) => Number(log_index));
    assert.ok(step.upTo > upTo && step.upTo < end);
    assert.ok(
      [...places, ...step.removed.flatMap(({ first, last }) => [first, last])].every(
        (at) => at > upTo && at <= step.upTo,
      ),
    );
    for (const { run_salt } of step.rows) assert.match(run_salt, /^[0-9a-f]{32}$/);
    for (const stretch of step.removed) {
      const of = whole.events[stretch.first];
      assert.deepEqual([stretch.correlationId, BigInt(stretch.firstPosition)], [of?.correlationId, of?.chainPosition]);
      walked.removed.push(...range(stretch.first, stretch.last + 1));
    }
    walked.ids.push(...step.rows.map((row) => row.event_id));
    upTo = step.upTo;
  }
  assert.equal(upTo, Math.max(from, end) - 1);
  return walked;
}

test("any split into resumes, with steps of any size, gives the same sequence", async () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 0, max: EVENTS }), { maxLength: 4 });
  const sizes = fc.constantFrom(3_000, 20_000, 1_000_000);
  const queries = fc.constantFrom(...Object.keys(QUERIES));
  await fc.assert(
    fc.asyncProperty(queries, cuts, sizes, async (name, places, maxBytes) => {
      const { query, matches } = QUERIES[name] as (typeof QUERIES)[string];
      const walked: Walked = { ids: [], removed: [] };
      const bounds = [0, ...places.toSorted((a, b) => a - b), EVENTS];
      for (const [at, from] of bounds.slice(0, -1).entries()) {
        const { ids, removed } = await walk(query, from, bounds[at + 1] as number, maxBytes);
        walked.ids.push(...ids);
        walked.removed.push(...removed);
      }
      const there = whole.events.filter((event) => !gone.has(Number(event.logIndex)) && matches(event));
      assert.deepEqual(
        walked.ids,
        there.map(({ eventId }) => eventId),
      );
      const chain = query.correlationId;
      const lost = whole.events.filter(
        ({ correlationId, logIndex }) => gone.has(Number(logIndex)) && (!chain || chain === correlationId),
      );
      assert.deepEqual(
        walked.removed,
        lost.map(({ logIndex }) => Number(logIndex)),
      );
    }),
    { numRuns: 25 },
  );
});

test("a log of which runs are missing is said to be damaged", async () => {
  const [run] = await service.admin<{ first: string }[]>`
    SELECT first_log_index AS first FROM audit_log_runs ORDER BY first_log_index OFFSET 2 LIMIT 1`;
  const first = Number(run?.first);
  const fails = (from: number, end: number) =>
    assert.rejects(walk(QUERIES["all"]?.query as EventQuery, from, end, 1e6), (fault: Error) =>
      fault.message.includes(`its index ${Math.max(first, from)};`),
    );
  const [row] = await service.admin`DELETE FROM audit_log_runs WHERE first_log_index = ${first} RETURNING *`;
  await fails(0, EVENTS);
  await fails(first, EVENTS);
  await fails(0, first + 1);
  await service.admin`INSERT INTO audit_log_runs ${service.admin(row as Record<string, unknown>)}`;
  await walk(QUERIES["all"]?.query as EventQuery, 0, EVENTS, 1e6);
});

test("nothing is read for a caller who takes nothing, however the log grows", async () => {
  let statements = 0;
  const counted = {
    run: (statement: Parameters<Database["run"]>[0]) => {
      statements++;
      return database.run(statement);
    },
  } as unknown as Database;
  const text = "x".repeat(100_000);
  const record = () =>
    service.client.recordEvents({
      events: range(0, 20).map(() =>
        newEvent({ correlationId: "large", payload: { case: "eventData", value: { text } } }),
      ),
    });
  for (let call = 0; call < 3; call++) await record();
  const reader = new LogReader(database);
  const { signal } = new AbortController();
  const size = async () => (await reader.state(signal)).size;
  assert.ok(await reader.settled({ covered: false, timeoutMs: 10_000, signal }));
  const growth = { size: await size(), waitBeyond: async () => {} };
  const request = create(TailEventsRequestSchema, { filter: { correlationId: "large" }, untilNow: true });
  const messages = tailEvents({ database: counted, log: reader, growth }, request, { signal });
  await messages.next();
  assert.equal(statements, 0);
  const { value: first } = await messages.next();
  // Its own step, the list of runs before, and the step behind it.
  const taken = statements;
  assert.ok(taken <= 3, `${taken} statements`);
  await record();
  assert.ok(await reader.settled({ covered: false, timeoutMs: 10_000, signal }));
  assert.ok(statements <= 3, `${statements} statements`);
  let events = first?.events.length ?? 0;
  for await (const message of messages) events += message.events.length;
  assert.equal(events, 60);
});
