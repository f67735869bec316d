// A caller's deadline reaches the database: what nobody waits for is not run to its end.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { errorOf, newEvent, newEvents, outcomes, startAuditService } from "../support/audit_service.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
after(() => proxy.close());
const service = await startAuditService({ after }, { DATASTORAGE_READ_CONNECTIONS: "2" }, proxy.port);
const { client, admin } = service;
const kept = newEvent();
await client.recordEvents({ events: [kept] });

/** Statements of readers that are under way. */
async function reading(): Promise<number> {
  const [row] = await admin`SELECT count(*)::int AS statements FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'datastorage read' AND state = 'active'`;
  return row?.["statements"] as number;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

/** Runs with every reader held up. */
async function whileStalled(run: () => Promise<void>): Promise<void> {
  await admin.begin(async (sql) => {
    await sql.unsafe("LOCK TABLE audit_events, audit_event_ids IN ACCESS EXCLUSIVE MODE");
    await run();
  });
}

for (const [name, read] of [
  ["GetEvent", (options: object) => client.getEvent({ eventId: kept.eventId }, options)],
  ["ListEvents", (options: object) => client.listEvents({}, options)],
  ["ListEvents by payload", (options: object) => client.listEvents({ filter: { eventData: { a: 1 } } }, options)],
] as const) {
  test(`${name}: the statement is cancelled when the deadline passes, and when the caller goes`, async () => {
    await whileStalled(async () => {
      const late = errorOf(read({ timeoutMs: 300 }));
      await until(async () => (await reading()) > 0);
      assert.equal((await late).code, "DeadlineExceeded");
      await until(async () => (await reading()) === 0);

      const gone = new AbortController();
      const left = errorOf(read({ signal: gone.signal }));
      await until(async () => (await reading()) > 0);
      gone.abort();
      assert.equal((await left).code, "Canceled");
      await until(async () => (await reading()) === 0);
    });
    assert.equal((await client.getEvent({ eventId: kept.eventId })).event?.eventId, kept.eventId);
  });
}

test("calls that wait for a connection give up at their deadline too", async () => {
  await whileStalled(async () => {
    const calls = Array.from({ length: 6 }, () => errorOf(client.listEvents({}, { timeoutMs: 300 })));
    for (const { code } of await Promise.all(calls)) assert.equal(code, "DeadlineExceeded");
    await until(async () => (await reading()) === 0);
  });
  assert.equal((await client.listEvents({})).events.length, 1);
});

test("a deadline that passes while the database cannot be reached ends the call alone", async () => {
  await whileStalled(async () => {
    const late = errorOf(client.listEvents({}, { timeoutMs: 300 }));
    await until(async () => (await reading()) > 0);
    // The request to cancel needs a connection of its own, and gets none.
    proxy.onConnect = "close";
    assert.equal((await late).code, "DeadlineExceeded");
  });
  proxy.onConnect = "pass";
  assert.equal((await client.listEvents({})).events.length, 1);
});

test("a deadline that passes during an append leaves its fate open, and sending again settles it", async () => {
  const events = newEvents(5, { correlationId: "late" });
  await admin.begin(async (sql) => {
    await sql.unsafe("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE");
    assert.equal((await errorOf(client.recordEvents({ events }, { timeoutMs: 200 }))).code, "DeadlineExceeded");
  });
  const { results } = await client.recordEvents({ events });
  assert.deepEqual(new Set(outcomes(results)), new Set(["DUPLICATE"]), "it was committed, as it had been sent");
});

test("readers find the database again after their connections were ended", async () => {
  await Promise.all(Array.from({ length: 4 }, () => client.listEvents({})));
  await admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'datastorage read'`;
  for (let call = 0; call < 6; call++) assert.equal((await client.listEvents({})).events.length > 0, true);
});
