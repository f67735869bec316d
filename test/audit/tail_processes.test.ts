// A tail goes on over another process of the same store, also after kill -9 of the one that it was read from.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type AuditCaller, newEvents, openCaller } from "../support/audit_service.ts";
import { createDatabase } from "../support/database.ts";
import { startService, type TestService } from "../support/service.ts";
import { range, TailCaller } from "../support/tail_caller.ts";

const database = await createDatabase("tail_processes");
const env = { DATABASE_URL: database.url, DATASTORAGE_MONTHS_AHEAD: "1", DATASTORAGE_LOG_LEVEL: "warn" };
const services: TestService[] = [];
const callers: AuditCaller[] = [];
before(async () => {
  services.push(...(await Promise.all([startService(env), startService(env)])));
  callers.push(...services.map(({ address }) => openCaller(address)));
});
after(async () => {
  for (const caller of callers) caller.close();
  await Promise.all(services.map((service) => service.stop()));
  await database.drop();
});

test("a killed service's tails are resumed at the other one: no gap, no repeat", { timeout: 60_000 }, async (t) => {
  const [one, two] = callers as [AuditCaller, AuditCaller];
  const recorded: string[] = [];
  const record = async ({ client }: AuditCaller, calls: number, correlationId: string) => {
    for (let call = 0; call < calls; call++) {
      const events = newEvents(1 + (call % 5), { correlationId });
      await client.recordEvents({ events });
      recorded.push(...events.map(({ eventId }) => eventId));
    }
  };
  const tails = [one, two].map(({ client }) => new TailCaller(client));
  await Promise.all([record(one, 20, "by one"), record(two, 20, "by two")]);
  const [first, second] = tails as [TailCaller, TailCaller];
  await first.until(() => first.events.length > 0);

  const writing = record(two, 60, "meanwhile");
  await services[0]?.kill();
  await first.ended;
  const resumed = new TailCaller(two.client, { afterLogIndex: BigInt(first.upTo ?? -1) });
  await writing;
  await resumed.until(() => first.events.length + resumed.events.length >= recorded.length);
  await second.until(() => second.events.length >= recorded.length);

  const ids = [...first.events, ...resumed.events].map(({ eventId }) => eventId);
  assert.deepEqual(
    ids,
    second.events.map(({ eventId }) => eventId),
  );
  assert.deepEqual([...first.places, ...resumed.places], range(0, recorded.length));
  assert.deepEqual(ids.toSorted(), recorded.toSorted());
  await Promise.all([resumed.stop(), second.stop()]);

  t.diagnostic(await latencyText(two));
});

/** How long it takes from the answer RECORDED until the event arrives by a tail: told, and held to nothing. */
async function latencyText({ client }: AuditCaller): Promise<string> {
  const answered = new Map<string, number>();
  const tail = new TailCaller(client, { fromNow: true });
  await tail.until(() => tail.upTo !== undefined);
  const delays: number[] = [];
  for (let call = 1; call <= 100; call++) {
    const events = newEvents(1);
    await client.recordEvents({ events });
    answered.set(events[0]?.eventId as string, performance.now());
    await tail.until(() => tail.events.length === call);
    delays.push(performance.now() - (answered.get(tail.events[call - 1]?.eventId as string) as number));
  }
  await tail.stop();
  delays.sort((a, b) => a - b);
  const at = (share: number) => `${(delays[Math.floor(delays.length * share)] as number).toFixed(1)} ms`;
  return `from RECORDED to arrival: p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}`;
}
