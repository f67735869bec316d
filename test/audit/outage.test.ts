// What callers see while PostgreSQL is away: it is said at once, and the service heals by itself.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { freePort } from "../../src/embedded/port.ts";
import { type EmbeddedPostgres, startPostgres } from "../../src/embedded/postgres.ts";
import { serve } from "../../src/main.ts";
import {
  errorOf,
  newEvent,
  newEvents,
  openCaller,
  outcomes,
  startAuditService,
  testConfig,
  untilServing,
} from "../support/audit_service.ts";
import { IngestCaller } from "../support/ingest_caller.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

/** What "at once" means here, in milliseconds: nothing waits for a timeout. */
const AT_ONCE_MS = 900;

/** Some wait for a timeout of five seconds, so they wait together. */
describe("outages", { concurrency: true, timeout: 60_000 }, () => {
  test("a database that goes away and comes back", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "datastorage-outage-"));
    const port = await freePort();
    const start = () => startPostgres({ dataDir, port, log: { info() {}, warn() {} } });
    let postgres: EmbeddedPostgres = await start();
    await postgres.stop();

    // The service is started first: it waits for its database.
    const starting = serve({ config: testConfig(postgres.url) });
    postgres = await start();
    const service = await starting;
    const { client, health, close } = openCaller(`127.0.0.1:${service.address.port}`);
    after(async () => {
      close();
      await service.close();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    });
    const stream = new IngestCaller(client);
    const kept = newEvent();
    assert.deepEqual(outcomes((await client.recordEvents({ events: [kept] })).results), ["RECORDED"]);
    assert.equal((await stream.send(1n, newEvents(2, { correlationId: "stream" }))).recorded, 2);

    await postgres.stop();
    const lost = newEvents(3);
    for (const attempt of ["first", "second"]) {
      const begun = performance.now();
      const refusal = await errorOf(client.recordEvents({ events: lost }));
      assert.equal(refusal.code, "Unavailable");
      assert.ok((refusal.retryMs ?? 0) > 0, "RetryInfo");
      assert.ok(performance.now() - begun < AT_ONCE_MS, `the ${attempt} call is told at once`);
    }
    const begun = performance.now();
    await untilServing(health, false);
    const unread = await errorOf(client.getEvent({ eventId: kept.eventId }));
    assert.deepEqual([unread.code, (unread.retryMs ?? 0) > 0], ["Unavailable", true]);
    assert.equal((await errorOf(client.listEvents({}))).code, "Unavailable");
    assert.ok(performance.now() - begun < AT_ONCE_MS, "readers are told at once");
    const inStream = newEvents(3, { correlationId: "stream" });
    const unsent = await stream.send(2n, inStream);
    assert.deepEqual([unsent.status?.code, unsent.recorded], [14, 0], "a stream is told too, and goes on");
    assert.equal((await client.getServiceInfo({})).version.length > 0, true, "what needs no database is answered");

    postgres = await start();
    await untilServing(health);
    assert.deepEqual(outcomes((await client.recordEvents({ events: lost })).results), new Array(3).fill("RECORDED"));
    assert.deepEqual(outcomes((await client.recordEvents({ events: [kept] })).results), ["DUPLICATE"]);
    const resent = await stream.send(2n, inStream);
    assert.deepEqual([resent.status?.code, resent.recorded], [0, 3], "the same stream sends its batch again");
    assert.equal((await client.getEvent({ eventId: kept.eventId })).event?.eventId, kept.eventId);
    await stream.end();
  });

  test("a database behind a balancer that takes connections and closes them", async (context) => {
    const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
    context.after(() => proxy.close());
    const service = await startAuditService(context, {}, proxy.port);
    await service.client.recordEvents({ events: [newEvent()] });
    proxy.onConnect = "close";
    await service.admin`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'datastorage %'`;
    const begun = performance.now();
    const event = newEvent();
    assert.equal((await errorOf(service.client.recordEvents({ events: [event] }))).code, "Unavailable");
    assert.equal((await errorOf(service.client.listEvents({}))).code, "Unavailable");
    assert.ok(performance.now() - begun < AT_ONCE_MS);
    proxy.onConnect = "pass";
    await untilServing(service.health);
    assert.deepEqual(outcomes((await service.client.recordEvents({ events: [event] })).results), ["RECORDED"]);
  });

  const cases = [
    { what: "the append itself", swallow: (chunk: Buffer) => chunk.includes("swallowed-append") },
    { what: "everything", swallow: () => true },
  ];
  for (const { what, swallow } of cases) {
    test(`a network that swallows ${what} is given up in bounded time`, async (context) => {
      const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
      context.after(() => proxy.close());
      const service = await startAuditService(
        context,
        { DATASTORAGE_STATEMENT_TIMEOUT: "500ms", DATASTORAGE_APPEND_TIMEOUT: "500ms" },
        proxy.port,
      );
      await service.client.recordEvents({ events: [newEvent()] });
      await service.client.listEvents({});
      proxy.judge = (chunk) => (swallow(chunk) ? "swallow" : "pass");
      const begun = performance.now();
      const events = newEvents(2, { correlationId: "swallowed-append" });
      const [written, read] = await Promise.all([
        errorOf(service.client.recordEvents({ events })),
        swallow(Buffer.alloc(0)) ? errorOf(service.client.listEvents({})) : undefined,
      ]);
      assert.deepEqual([written.code, (written.retryMs ?? 0) > 0], ["Unavailable", true]);
      if (read !== undefined) assert.equal(read.code, "Unavailable");
      assert.ok(performance.now() - begun < 9_000);
      proxy.judge = () => "pass";
      await untilServing(service.health);
      const { results } = await service.client.recordEvents({ events });
      assert.deepEqual(outcomes(results), ["RECORDED", "RECORDED"]);
    });
  }
});
