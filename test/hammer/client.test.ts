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
import { verdict } from "../../hammer/verdict/verdict.ts";
import { createDatabase } from "../support/database.ts";
import { startService } from "../support/service.ts";

test("clients outlive a service that is killed, and their histories agree with the table", async (t) => {
  const database = await createDatabase("hammer");
  const env = { DATABASE_URL: database.url, DATASTORAGE_LOG_LEVEL: "error", DATASTORAGE_MONTHS_AHEAD: "1" };
  let service = await startService(env);
  const historyFolder = await mkdtemp(join(tmpdir(), "datastorage-hammer-"));
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
  assert.ok(totals.resent > 0 && totals.repeated > 0 && totals.twins > 0, JSON.stringify(totals));

  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql`SET session_replication_role = replica`;
  await sql`DELETE FROM audit_events WHERE event_id IN (SELECT event_id FROM audit_events ORDER BY event_id LIMIT 3)`;
  await sql.end();
  assert.equal((await verdict({ histories, databaseUrl })).lost.count, 3);
});

/** Progress is told once a second, and has no other signal. */
async function until(clients: Clients, reached: (progress: ClientProgress) => boolean): Promise<void> {
  while (!reached(clients.progress())) await Promise.race([wait(20), clients.ended]);
}
