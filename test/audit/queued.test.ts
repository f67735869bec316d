// What callers see while events are queued, and what becomes of these: the whole service, a real PostgreSQL behind a proxy
// that can cut it off, and a real Valkey.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { StoreState } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { freePort } from "../../src/embedded/port.ts";
import { serve } from "../../src/main.ts";
import {
  type AuditTestService,
  errorOf,
  listAll,
  newEvent,
  newEvents,
  openCaller,
  outcomes,
  type Scope,
  startAuditService,
  testConfig,
  untilServing,
  withPort,
} from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { createDatabase } from "../support/database.ts";
import { IngestCaller } from "../support/ingest_caller.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { startTestValkey, type TestValkey } from "../support/valkey.ts";

/** What "at once" means here, in milliseconds: nothing waits for a timeout. */
const AT_ONCE_MS = 900;

interface Site extends AuditTestService {
  readonly deadLetters: Client<typeof DeadLetterService>;
  readonly proxy: TcpProxy;
  /** Takes PostgreSQL away, and gives it back. */
  cut(): void;
  heal(): void;
  /** Resolves when nothing waits in the queue. */
  drained(): Promise<void>;
}

describe("while PostgreSQL is away", { timeout: 120_000 }, () => {
  let valkey: TestValkey;
  let missing: string | undefined;
  let databases = 0;

  before(async () => {
    const started = await startTestValkey();
    if (typeof started === "string") missing = started;
    else valkey = started;
  });
  after(() => valkey?.stop());

  /** A service with a PostgreSQL and a database of Valkey of its own. */
  async function startSite(context: Scope, env: Readonly<Record<string, string>> = {}): Promise<Site> {
    const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
    context.after(() => proxy.close());
    const url = `${valkey.url}/${databases++}`;
    const service = await startAuditService(context, { VALKEY_URL: url, ...env }, proxy.port);
    const letters = deadLetters(context, service.address);
    return {
      ...service,
      deadLetters: letters,
      proxy,
      cut() {
        proxy.onConnect = "close";
        proxy.reset();
      },
      heal() {
        proxy.onConnect = "pass";
      },
      async drained() {
        for (;;) {
          const { streams } = await letters.getQueueStatus({});
          if (streams.every(({ depth }) => depth === 0n)) return;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
    };
  }

  function deadLetters(context: Scope, address: string) {
    const baseUrl = `http://${address}`;
    const sessionManager = new Http2SessionManager(baseUrl);
    context.after(async () => sessionManager.abort());
    return createClient(DeadLetterService, createGrpcTransport({ baseUrl, sessionManager }));
  }

  /** Resolves when the service has noticed that its database is away. */
  async function untilQueueing({ client }: Site): Promise<void> {
    while ((await client.getServiceInfo({})).database?.state !== StoreState.UNAVAILABLE) {
      await client.recordEvents({ events: [newEvent({ correlationId: "noticing" })] });
    }
  }

  test("events are QUEUED, stored in their order when it is back, and a repeat is known", async (t) => {
    if (missing) return t.skip(missing);
    const site = await startSite(t);
    const stream = new IngestCaller(site.client);
    const batch = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        newEvent({
          correlationId: `rr-${index % 3}`,
          eventType: index % 5 === 0 ? "notification.message.sent" : "gateway.signal.received",
        }),
      );
    const sent = [batch(30)];
    assert.equal((await stream.send(1n, sent[0] ?? [])).recorded, 30);
    site.cut();
    for (let number = 2n; number <= 5n; number++) {
      const events = batch(30);
      sent.push(events);
      const answer = await stream.send(number, events);
      assert.deepEqual([answer.status?.code, answer.queued, answer.results.length], [0, 30, 30]);
    }
    const { degraded, database, queue } = await site.client.getServiceInfo({});
    assert.deepEqual([degraded, database?.state, queue?.state], [true, StoreState.UNAVAILABLE, StoreState.AVAILABLE]);
    await untilServing(site.health);
    const begun = performance.now();
    const refusal = await errorOf(site.client.recordEvents({ events: newEvents(2), requireRecorded: true }));
    assert.deepEqual([refusal.code, (refusal.retryMs ?? 0) > 0], ["Unavailable", true]);
    assert.ok(performance.now() - begun < AT_ONCE_MS);

    site.heal();
    for (let number = 6n; number <= 12n; number++) {
      const events = batch(30);
      sent.push(events);
      const answer = await stream.send(number, events);
      assert.equal(answer.recorded + answer.queued, 30);
    }
    await site.drained();
    const all = sent.flat();
    for (const correlationId of ["rr-0", "rr-1", "rr-2"]) {
      const stored = await listAll(site.client, { filter: { correlationId }, orderBy: "chain_position" });
      const wanted = all.filter((event) => event.correlationId === correlationId).map(({ eventId }) => eventId);
      assert.deepEqual(
        stored.map(({ eventId }) => eventId),
        wanted,
      );
      await verifiedChain(site.client, site.admin, correlationId);
    }
    // The streams are empty a moment before the process hears of it: what comes in between is rightly QUEUED.
    for (let number = 13n; (await stream.send(number, batch(30))).recorded < 30; number++) await site.drained();
    const again = await site.client.recordEvents({ events: sent[2] ?? [] });
    assert.deepEqual(new Set(outcomes(again.results)), new Set(["DUPLICATE"]));
    assert.equal((await site.client.getServiceInfo({})).degraded, false);
    await stream.end();
  });

  test("with Valkey away as well, callers are told at once; either store brings the service back", async (t) => {
    if (missing) return t.skip(missing);
    const site = await startSite(t);
    const link = await startTcpProxy(valkey.port);
    t.after(() => link.close());
    const { client, health } = await site.restart({ VALKEY_URL: withPort(valkey.url, link.port) });
    await untilServing(health);
    link.onConnect = "close";
    link.reset();
    assert.deepEqual(outcomes((await client.recordEvents({ events: [newEvent()] })).results), ["RECORDED"]);
    await untilServing(health);
    site.cut();
    await errorOf(client.recordEvents({ events: [newEvent()] }));
    await untilServing(health, false);
    const begun = performance.now();
    const refusal = await errorOf(client.recordEvents({ events: [newEvent()] }));
    assert.deepEqual([refusal.code, (refusal.retryMs ?? 0) > 0], ["Unavailable", true]);
    assert.ok(performance.now() - begun < AT_ONCE_MS);
    link.onConnect = "pass";
    await untilServing(health);
    assert.deepEqual(outcomes((await client.recordEvents({ events: [newEvent()] })).results), ["QUEUED"]);
    site.heal();
  });

  test("a database that takes appends and answers none is given up in bounded time, and they are QUEUED", async (t) => {
    if (missing) return t.skip(missing);
    const site = await startSite(t, { DATASTORAGE_APPEND_TIMEOUT: "300ms" });
    const lock = await site.admin.reserve();
    await lock`BEGIN`;
    await lock`LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE`;
    const events = newEvents(3, { correlationId: "locked" });
    const { results } = await site.client.recordEvents({ events });
    assert.deepEqual(new Set(outcomes(results)), new Set(["QUEUED"]));
    await lock`ROLLBACK`;
    lock.release();
    await site.drained();
    while ((await site.client.getServiceInfo({})).degraded);
    const again = await site.client.recordEvents({ events });
    assert.deepEqual(new Set(outcomes(again.results)), new Set(["DUPLICATE"]));
  });

  test("a full queue tells callers to wait, warns before, and nothing of it is trimmed", async (t) => {
    if (missing) return t.skip(missing);
    const metricsAddress = `127.0.0.1:${await freePort()}`;
    const site = await startSite(t, {
      DATASTORAGE_QUEUE_ENTRIES: "10",
      DATASTORAGE_METRICS_ADDRESS: metricsAddress,
    });
    const untilScraped = async (...lines: string[]) => {
      for (let text = ""; !lines.every((line) => text.includes(`\n${line}\n`)); ) {
        text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
      }
    };
    site.cut();
    await untilQueueing(site);
    const queued = ["noticing"];
    const queueOne = async () => {
      const event = newEvent({ correlationId: `full-${queued.length}` });
      await site.client.recordEvents({ events: [event] });
      queued.push(event.correlationId);
    };
    const depth = async () => (await site.deadLetters.getQueueStatus({})).streams[0]?.depth ?? 0n;
    while ((await depth()) < 8n) await queueOne();
    await untilScraped('datastorage_dlq_warning{stream="events"} 1', 'datastorage_dlq_critical{stream="events"} 0');
    while ((await depth()) < 10n) await queueOne();
    const refusal = await errorOf(queueOne());
    assert.deepEqual([refusal.code, (refusal.retryMs ?? 0) > 0], ["ResourceExhausted", true]);
    await untilScraped(
      'datastorage_dlq_critical{stream="events"} 1',
      'datastorage_dlq_warning{stream="notifications"} 0',
      "datastorage_degraded 1",
    );
    site.heal();
    await site.drained();
    const stored = await site.admin`SELECT DISTINCT correlation_id FROM audit_events`;
    assert.deepEqual(new Set(stored.map((row) => row["correlation_id"])), new Set(queued));
    await untilScraped('datastorage_dlq_warning{stream="events"} 0', 'datastorage_dlq_critical{stream="events"} 0');
  });

  test("a service that is started meanwhile queues, and uses the database when it is there", async (t) => {
    if (missing) return t.skip(missing);
    const database = await createDatabase("late");
    const proxy = await startTcpProxy(Number(new URL(database.url).port));
    proxy.onConnect = "close";
    const url = withPort(database.url, proxy.port);
    const service = await serve({ config: testConfig(url, { VALKEY_URL: `${valkey.url}/${databases++}` }) });
    const { client, health, close } = openCaller(`127.0.0.1:${service.address.port}`);
    t.after(async () => {
      close();
      await service.close();
      await proxy.close();
      await database.drop();
    });
    const event = newEvent();
    assert.deepEqual(outcomes((await client.recordEvents({ events: [event] })).results), ["QUEUED"]);
    proxy.onConnect = "pass";
    await untilServing(health);
    for (let found = ""; found === ""; ) {
      found = await client.getEvent({ eventId: event.eventId }).then(
        (answer) => answer.event?.eventId ?? "",
        () => "",
      );
    }
  });

  test("a shutdown gives the queue what a stalled database does not settle, and the next process stores it", async (t) => {
    if (missing) return t.skip(missing);
    const site = await startSite(t);
    await site.client.recordEvents({ events: [newEvent()] });
    const lock = await site.admin.reserve();
    await lock`BEGIN`;
    await lock`LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE`;
    const events = newEvents(5, { correlationId: "stalled" });
    const call = site.client.recordEvents({ events });
    const stalled = () => site.admin`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
      AND datname = current_database() AND application_name LIKE 'datastorage append%'`;
    while ((await stalled()).length === 0);
    const restarting = site.restart();
    assert.deepEqual(new Set(outcomes((await call).results)), new Set(["QUEUED"]));
    await lock`ROLLBACK`;
    lock.release();
    const { client } = await restarting;
    for (let stored = 0; stored < 5; ) {
      stored = (await client.listEvents({ filter: { correlationId: "stalled" } })).events.length;
    }
    const again = await client.recordEvents({ events });
    assert.deepEqual(new Set(outcomes(again.results)), new Set(["DUPLICATE"]));
  });
});
