// A database that stands still: what waits is bounded, callers are told, and everything resolves when it moves again.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import postgres, { type Sql } from "postgres";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { IngestEventsResponse } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import {
  type AuditClient,
  errorOf,
  newEvent,
  newEvents,
  openCaller,
  outcomes,
  startAuditService,
} from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { createDatabase } from "../support/database.ts";
import { startService } from "../support/service.ts";

/** Holds every writer of audit_events up until it is released. */
async function stall(admin: Sql): Promise<{ release(): Promise<void> }> {
  const locked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const ended = admin.begin(async (sql) => {
    await sql.unsafe("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE");
    locked.resolve();
    await released.promise;
  });
  await locked.promise;
  return {
    async release() {
      released.resolve();
      await ended;
    },
  };
}

/** Resolves when this many appends wait for the lock. */
async function untilWaiting(admin: Sql, appends: number): Promise<void> {
  for (;;) {
    const [row] = await admin`SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'datastorage append%' AND wait_event_type = 'Lock'`;
    if (row?.["waiting"] >= appends) return;
  }
}

/** A stream that offers batches for as long as they are taken. */
function offer(client: AuditClient, batches: readonly AuditEvent[][], signal?: AbortSignal) {
  const state = { taken: 0 };
  const requests = async function* () {
    for (const [index, events] of batches.entries()) {
      state.taken = index + 1;
      yield { batchNumber: BigInt(index + 1), events };
    }
  };
  const answers = (async () => {
    const all: IngestEventsResponse[] = [];
    for await (const answer of client.ingestEvents(requests(), signal && { signal })) all.push(answer);
    return all;
  })();
  return { state, answers };
}

/** Resolves with how many batches were taken when no more are, for as long as many other calls take their turn. */
async function untilHeldBack(client: AuditClient, streams: readonly { state: { taken: number } }[]): Promise<number> {
  for (let taken = -1; ; ) {
    const now = streams.reduce((sum, { state }) => sum + state.taken, 0);
    if (now === taken) return taken;
    taken = now;
    for (let call = 0; call < 200; call++) await client.getServiceInfo({});
  }
}

test("calls are told when the service is full, streams wait, and all resolve in the end", async (context) => {
  const service = await startAuditService(context, { DATASTORAGE_PENDING_EVENTS: "1000" });
  const { client, admin } = service;
  await client.recordEvents({ events: newEvents(1) });
  const { release } = await stall(admin);

  const batches = Array.from({ length: 12 }, (_, stream) =>
    Array.from({ length: 8 }, () => newEvents(100, { correlationId: `stalled ${stream}` })),
  );
  const streams = batches.map((of) => offer(client, of));
  await untilWaiting(admin, 3);
  // Calls that find room wait as well; sooner or later one finds none.
  const calls: { events: AuditEvent[]; call: Promise<{ results: readonly unknown[] }> }[] = [];
  const refused: AuditEvent[][] = [];
  while (refused.length === 0) {
    const events = newEvents(50, { correlationId: `call ${calls.length}` });
    const call = client.recordEvents({ events });
    calls.push({ events, call });
    call.catch(() => refused.push(events));
    assert.ok(calls.length < 100, "some call is refused before 5,000 events wait where 1,000 may");
    for (let turn = 0; turn < 10; turn++) await client.getServiceInfo({});
  }

  await release();
  for (const [number, { answers }] of streams.entries()) {
    const all = await answers;
    assert.deepEqual(
      all.map(({ status, recorded }) => [status?.code, recorded]),
      new Array(8).fill([0, 100]),
    );
    const chain = await verifiedChain(client, admin, `stalled ${number}`);
    const sent = (batches[number] as AuditEvent[][]).flat();
    assert.deepEqual(
      chain.map(({ eventId }) => eventId),
      sent.map(({ eventId }) => eventId),
    );
  }
  const taken = calls.filter(({ events }) => !refused.includes(events));
  assert.ok(taken.length <= 1000 / 50, "no more was taken than may wait");
  for (const { call } of taken) assert.equal((await call).results.length, 50);
  for (const { events, call } of calls.filter((one) => !taken.includes(one))) {
    const { code, retryMs } = await errorOf(call);
    assert.deepEqual([code, (retryMs ?? 0) > 0], ["ResourceExhausted", true]);
    const { results } = await client.recordEvents({ events });
    assert.deepEqual(new Set(outcomes(results)), new Set(["RECORDED"]), "nothing of what was refused had been stored");
  }
});

test("one caller cannot fill what all share", async (context) => {
  const service = await startAuditService(context, { DATASTORAGE_PENDING_EVENTS: "1000" });
  const { client, admin } = service;
  await client.recordEvents({ events: newEvents(1) });
  const { release } = await stall(admin);
  const flood = offer(
    client,
    Array.from({ length: 20 }, () => newEvents(100, { correlationId: "flood" })),
  );
  await untilHeldBack(client, [flood]);
  const lone = client.recordEvents({ events: [newEvent({ correlationId: "lone" })] });
  await untilWaiting(admin, 2);
  await release();
  assert.deepEqual(outcomes((await lone).results), ["RECORDED"]);
  assert.equal((await flood.answers).length, 20);
});

test("a shutdown is bounded, whatever the database does", async (context) => {
  const service = await startAuditService(context);
  const { client, admin } = service;
  await client.recordEvents({ events: newEvents(1) });
  const { release } = await stall(admin);
  const events = newEvents(5, { correlationId: "cut short" });
  const cut = errorOf(client.recordEvents({ events }));
  await untilWaiting(admin, 1);
  const begun = performance.now();
  // The test's service has two seconds to settle what is under way.
  await service.stop();
  assert.ok(performance.now() - begun < 8000);
  assert.equal((await cut).code, "Unavailable");
  await release();
  const { client: anew } = await service.restart();
  const { results } = await anew.recordEvents({ events });
  const fate = new Set(outcomes(results));
  assert.ok(fate.size === 1 && (fate.has("DUPLICATE") || fate.has("RECORDED")), [...fate].join());
  assert.equal((await verifiedChain(anew, admin, "cut short")).length, 5);
});

const memory = {
  timeout: 60_000,
  skip: existsSync("/proc/self/status") ? false : "the memory of another process is read from /proc",
};
test("the memory of a service that cannot write stays bounded", memory, async (context: TestContext) => {
  const database = await createDatabase("bounds");
  const service = await startService({
    DATABASE_URL: database.url,
    DATASTORAGE_LOG_LEVEL: "warn",
    DATASTORAGE_MONTHS_AHEAD: "1",
    DATASTORAGE_PENDING_BYTES: "8MiB",
    DATASTORAGE_STREAM_WINDOW: "1MiB",
    DATASTORAGE_CONNECTION_WINDOW: "4MiB",
  });
  const admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  const callers = Array.from({ length: 8 }, () => openCaller(service.address));
  context.after(async () => {
    for (const caller of callers) caller.close();
    await service.stop();
    await admin.end();
    await database.drop();
  });
  const [first] = callers as [(typeof callers)[number]];
  // Warm: the same kind of work, once, so that what the runtime needs is there already.
  const value = Buffer.from(`{"text":"${"x".repeat(20_000)}"}`);
  const batch = () => newEvents(100, { payload: { case: "eventDataJson", value } });
  for (let round = 0; round < 3; round++) await first.client.recordEvents({ events: batch() });
  const before = residentMiB(service.pid);
  const { release } = await stall(admin);
  const abort = new AbortController();
  // Each offers the same 2 MB again and again: 4 GB in all.
  const sent = batch();
  const streams = callers.map(({ client }) => offer(client, new Array(250).fill(sent), abort.signal));
  for (const { answers } of streams) answers.catch(() => {});
  await untilWaiting(admin, 1);
  const taken = await untilHeldBack(first.client, streams);
  const after = residentMiB(service.pid);
  console.log(`# ${taken} of 2000 batches of 2 MB were taken; the service grew from ${before} to ${after} MiB`);
  assert.ok(taken < 60, `${taken} batches of 2 MB were taken from eight streams`);
  assert.ok(after - before < 200, `the service grew from ${before} to ${after} MiB`);
  abort.abort();
  await release();
  const { results } = await first.client.recordEvents({ events: newEvents(2) });
  assert.deepEqual(outcomes(results), ["RECORDED", "RECORDED"]);
});

function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}
