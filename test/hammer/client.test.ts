// The hammer's client against the real service, which is killed under it: everything it was told is so, and what is taken from
// the table afterwards is missed.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import postgres from "postgres";
import { type ClientProgress, type Clients, startClients } from "../../hammer/client/clients.ts";
import { Link } from "../../hammer/client/connection.ts";
import { eventId } from "../../hammer/client/event_id.ts";
import { verdict } from "../../hammer/verdict/verdict.ts";
import { startAuditService } from "../support/audit_service.ts";
import { createDatabase } from "../support/database.ts";
import { adminUrl } from "../support/server.ts";
import { startService } from "../support/service.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

test("clients outlive a service that is killed, and their histories agree with the table", async (t) => {
  const database = await createDatabase("hammer");
  const env = { DATABASE_URL: database.url, DATASTORAGE_LOG_LEVEL: "error", DATASTORAGE_MONTHS_AHEAD: "1" };
  let service = await startService(env);
  const historyFolder = await mkdtemp(join(tmpdir(), "datastorage-clients-"));
  const clients = startClients({
    seed: 1,
    processes: 2,
    addresses: [service.address],
    eventsPerSecond: 1500,
    resendShare: 0.2,
    twinShare: 0.1,
    historyFolder,
  });
  t.after(async () => {
    clients.kill();
    await service.kill();
    await database.drop();
    await rm(historyFolder, { recursive: true });
  });

  await until(clients, ({ acked }) => acked > 1000);
  const killed = service.address;
  await service.kill();
  await until(clients, ({ unknown }) => unknown > 0);
  service = await startService({ ...env, DATASTORAGE_ADDRESS: killed });
  const before = clients.progress().acked;
  clients.control({ months: 0, month: 1 });
  await until(clients, ({ acked }) => acked > before + 1000);
  clients.control({ end: true });
  await clients.ended;

  const { histories } = clients;
  const databaseUrl = database.adminUrl;
  const clean = await verdict({ histories, databaseUrl });
  assert.equal(clean.clean, true, JSON.stringify(clean));
  const { sent, acked } = clients.progress();
  const { totals } = clean;
  assert.deepEqual([acked, totals.sent, totals.acknowledged, totals.stored, totals.open], [sent, sent, sent, sent, 0]);
  assert.ok(totals.resent > 0, JSON.stringify(totals));

  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql`SET session_replication_role = replica`;
  await sql`DELETE FROM audit_events WHERE event_id IN (SELECT event_id FROM audit_events ORDER BY event_id LIMIT 3)`;
  await sql.end();
  assert.equal((await verdict({ histories, databaseUrl })).lost.count, 3);
});

test("clients get everything acknowledged through an outage of the database, dead addresses and links that say nothing", async (t) => {
  const postgresProxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
  const service = await startAuditService(t, {}, postgresProxy.port);
  const link = await startTcpProxy(Number(service.address.split(":")[1]));
  const nobody = await startTcpProxy(1);
  const historyFolder = await mkdtemp(join(tmpdir(), "datastorage-clients-"));
  const clients = startClients({
    seed: 2,
    processes: 1,
    addresses: [`127.0.0.1:${nobody.port}`, `127.0.0.1:${link.port}`],
    eventsPerSecond: 2000,
    answerTimeoutMs: 1000,
    historyFolder,
  });
  t.after(async () => {
    clients.kill();
    await Promise.all([link.close(), nobody.close(), postgresProxy.close()]);
    await rm(historyFolder, { recursive: true });
  });
  const reached = (more: Partial<ClientProgress>) => {
    const before = clients.progress();
    const names = Object.keys(more) as (keyof ClientProgress)[];
    return until(clients, (now) => names.every((name) => now[name] >= before[name] + (more[name] as number)));
  };

  await reached({ acked: 500 });
  postgresProxy.onConnect = "close";
  postgresProxy.reset();
  await reached({ unknown: 500 });
  postgresProxy.onConnect = "pass";
  await reached({ acked: 500 });
  link.judge = () => "swallow";
  await reached({ unknown: 200 });
  link.judge = () => "pass";
  await reached({ acked: 500 });
  link.reset();
  clients.control({ pause: true });
  await until(clients, ({ sent, acked }) => sent === acked);
  clients.control({ end: true });
  await clients.ended;

  const result = await verdict({ histories: clients.histories, databaseUrl: service.database.adminUrl });
  assert.equal(result.clean, true, JSON.stringify(result));
  assert.equal(result.totals.stored, clients.progress().sent);

  const reader = new Link(service.address);
  assert.equal(await reader.finds(eventId(2, { process: 0, source: 0, counter: 0 }), 1000), true);
  assert.equal(await reader.finds(eventId(3, { process: 0, source: 0, counter: 0 }), 1000), false);
  assert.equal(await reader.finds("no id", 1000), undefined);
  reader.close();
});

/** Progress is told once a second, and has no other signal. */
async function until(clients: Clients, reached: (progress: ClientProgress) => boolean): Promise<void> {
  while (!reached(clients.progress())) await Promise.race([wait(20), clients.ended]);
}
