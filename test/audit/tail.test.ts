// TailEvents: the events of the log in its order, those that are there and then each as it gets its index.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { EventOutcome, LogState, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { errorOf, newEvent, newEvents, openCaller, startAuditService } from "../support/audit_service.ts";
import { range, TailCaller, tailToEnd } from "../support/tail_caller.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

describe("a tail", { timeout: 60_000 }, () => {
  test("gives history and then what is appended meanwhile over several connections, each event once and in order", async (t) => {
    const { client, address } = await startAuditService(t);
    const sent = new Set<string>();
    const record = async (caller: typeof client, count: number, correlationId: string) => {
      const events = newEvents(count, { correlationId });
      await caller.recordEvents({ events });
      for (const { eventId } of events) sent.add(eventId);
    };
    for (let call = 0; call < 5; call++) await record(client, 100, `history ${call % 3}`);

    const tail = new TailCaller(client);
    const callers = range(0, 4).map(() => openCaller(address));
    await Promise.all(
      callers.map(async (caller, number) => {
        for (let call = 0; call < 20; call++)
          await record(caller.client, 1 + (call % 9), `live ${(number + call) % 6}`);
      }),
    );
    await tail.until(() => tail.events.length >= sent.size);
    await tail.stop();
    for (const caller of callers) caller.close();

    assert.deepEqual(tail.places, range(0, sent.size));
    assert.deepEqual(new Set(tail.events.map(({ eventId }) => eventId)), sent);
    const last = new Map<string, bigint>();
    for (const { correlationId, chainPosition } of tail.events) {
      assert.equal(chainPosition, (last.get(correlationId) ?? 0n) + 1n, correlationId);
      last.set(correlationId, chainPosition);
    }
    const again = await tailToEnd(client);
    assert.deepEqual(
      again.events.map(({ eventId }) => eventId),
      tail.events.map(({ eventId }) => eventId),
    );
  });

  test("resumes behind any place with exactly what follows", async (t) => {
    const { client } = await startAuditService(t);
    for (let call = 0; call < 6; call++)
      await client.recordEvents({ events: newEvents(10, { correlationId: `rr ${call % 2}` }) });
    const whole = new TailCaller(client);
    await whole.until(() => whole.events.length === 60);
    await whole.stop();
    for (const place of [-1, 0, 9, 10, 33, 58, 59]) {
      const rest = await tailToEnd(client, { afterLogIndex: BigInt(place) });
      assert.deepEqual(rest.places, range(place + 1, 60));
      assert.equal(rest.upTo, 59);
    }
    const now = new TailCaller(client, { fromNow: true });
    await now.until(() => now.upTo === 59);
    await client.recordEvents({ events: newEvents(3) });
    await now.until(() => now.events.length === 3);
    assert.deepEqual(now.places, [60, 61, 62]);
    await now.stop();
  });

  test("takes the filters of a list, and tells how far it has come where nothing matches", async (t) => {
    const { client } = await startAuditService(t);
    const events = range(0, 200).map((number) =>
      newEvent({
        correlationId: `rr ${number % 7}`,
        eventType: number % 5 === 0 ? "gateway.signal.received" : "analysis.step.done",
        eventOutcome: number % 3 === 0 ? EventOutcome.FAILURE : EventOutcome.SUCCESS,
        payload: { case: "eventData", value: { number: number % 10 } },
      }),
    );
    await client.recordEvents({ events });
    const whole = new TailCaller(client);
    await whole.until(() => whole.events.length === 200);
    await whole.stop();
    const filters = [
      { correlationId: "rr 3" },
      { eventTypes: ["gateway.*"] },
      { eventOutcomes: [EventOutcome.FAILURE], eventTypes: ["analysis.step.done"] },
      { eventData: { number: 4 } },
      { correlationId: "rr 1", eventData: { number: 4 } },
      { severities: ["none"] },
      { correlationId: "none" },
      { startTime: { seconds: 0n, nanos: 0 }, endTime: { seconds: 1n, nanos: 0 } },
      { endTime: { seconds: 4_102_444_800n, nanos: 0 } },
    ];
    for (const filter of filters) {
      const { events: listed } = await client.listEvents({ filter, pageSize: 1000 });
      const tailed = await tailToEnd(client, { filter });
      assert.deepEqual(tailed.events.map(({ eventId }) => eventId).sort(), listed.map(({ eventId }) => eventId).sort());
      assert.equal(tailed.upTo, 199);
    }
  });

  test("tells which stretches are no longer stored, whatever the filter", async (t) => {
    const { client, admin } = await startAuditService(t);
    await client.recordEvents({ events: newEvents(20, { correlationId: "a" }) });
    await client.recordEvents({ events: newEvents(20, { correlationId: "b" }) });
    await client.recordEvents({ events: newEvents(20, { correlationId: "c" }) });
    const whole = new TailCaller(client);
    await whole.until(() => whole.events.length === 60);
    await whole.stop();
    await admin.begin(async (sql) => {
      await sql`SET LOCAL session_replication_role = replica`;
      await sql`DELETE FROM audit_events WHERE correlation_id = 'a' AND chain_position BETWEEN 4 AND 7`;
      await sql`DELETE FROM audit_events WHERE correlation_id = 'b'`;
      await sql`DELETE FROM audit_events WHERE correlation_id = 'c' AND chain_position IN (1, 20)`;
    });
    const lost = [
      [3, 6],
      [20, 40],
      [59, 59],
    ];
    const left = await tailToEnd(client);
    assert.deepEqual(left.removed, lost);
    assert.deepEqual(
      left.places,
      range(0, 60).filter((place) => !lost.some(([first = 0, last = 0]) => place >= first && place <= last)),
    );
    const filtered = await tailToEnd(client, { filter: { severities: ["none"] } });
    assert.deepEqual([filtered.removed, filtered.events.length, filtered.upTo], [lost, 0, 59]);
    assert.deepEqual((await tailToEnd(client, { filter: { correlationId: "b" } })).removed, [[20, 39]]);
    assert.deepEqual((await tailToEnd(client, { afterLogIndex: 4n })).removed[0], [5, 6]);
  });

  test("keeps messages under 4 MiB, and gives the payload in the form asked for", async (t) => {
    const { client } = await startAuditService(t);
    const value = { numbers: new Array(40_000).fill(1) };
    for (let call = 0; call < 5; call++) {
      await client.recordEvents({
        events: newEvents(3, { correlationId: `rr ${call}`, payload: { case: "eventData", value } }),
      });
    }
    const live = new TailCaller(client);
    await live.until(() => live.events.length === 15);
    await live.stop();
    assert.deepEqual(live.places, range(0, 15));
    const { events, places } = await tailToEnd(client, { payloadForm: PayloadForm.JSON });
    assert.deepEqual(places, range(0, 15));
    const [first] = events;
    assert.equal(first?.payload.case, "eventDataJson");
    assert.deepEqual(JSON.parse(Buffer.from(first?.payload.value as Uint8Array).toString()), value);
  });

  test("refuses what the contract does not allow", async (t) => {
    const { client } = await startAuditService(t);
    await client.recordEvents({ events: newEvents(2) });
    const whole = new TailCaller(client);
    await whole.until(() => whole.events.length === 2);
    await whole.stop();
    const refused = async (request: Parameters<typeof tailToEnd>[1]) => {
      const { code, error } = await errorOf(tailToEnd(client, request));
      return `${code} ${error.findDetails(ErrorInfoSchema)[0]?.reason}: ${error.rawMessage}`;
    };
    assert.match(await refused({ afterLogIndex: 2n }), /^FailedPrecondition LOG_SHORTER: .* index 2: it has 2 entries/);
    assert.match(await refused({ afterLogIndex: 2n ** 62n }), /^FailedPrecondition LOG_SHORTER/);
    assert.match(await refused({ afterLogIndex: -2n }), /^InvalidArgument .*after_log_index/);
    assert.match(await refused({ afterLogIndex: 0n, fromNow: true }), /^InvalidArgument .*from_now/);
    assert.match(await refused({ filter: { actorId: "a\0" } }), /^InvalidArgument .*filter\.actor_id/);
    assert.match(await refused({ payloadForm: PayloadForm.TYPED }), /^InvalidArgument .*payload_form/);
  });

  test("ends when the server drains, to be resumed over a new connection", async (t) => {
    const { client, restart } = await startAuditService(t);
    await client.recordEvents({ events: newEvents(5) });
    const tail = new TailCaller(client);
    await tail.until(() => tail.events.length === 5);
    const restarted = restart();
    const { code, error, retryMs } = await errorOf(tail.ended.then((failure) => Promise.reject(failure)));
    assert.equal(code, "Unavailable");
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "CONNECTION_DRAINING");
    assert.notEqual(retryMs, undefined);
    const caller = await restarted;
    const resumed = new TailCaller(caller.client, { afterLogIndex: BigInt(tail.upTo ?? -1) });
    await caller.client.recordEvents({ events: newEvents(2) });
    await resumed.until(() => resumed.events.length === 2);
    assert.deepEqual(resumed.places, [5, 6]);
    await resumed.stop();
  });

  test("says UNAVAILABLE, with a time to come again, while the database is away", async (t) => {
    const { port } = new URL((await import("../support/server.ts").then(({ adminUrl }) => adminUrl())) as string);
    const proxy = await startTcpProxy(Number(port));
    t.after(() => proxy.close());
    const { client } = await startAuditService(t, {}, proxy.port);
    await client.recordEvents({ events: newEvents(5) });
    const tail = new TailCaller(client);
    await tail.until(() => tail.events.length === 5);
    proxy.onConnect = "close";
    proxy.reset();
    const { code, retryMs } = await errorOf(tailToEnd(client));
    assert.equal(code, "Unavailable");
    assert.ok((retryMs ?? 0) > 0);
    proxy.onConnect = "pass";
    // What stood at the end of the log has lost nothing by it.
    for (let recorded = false; !recorded; ) {
      recorded = await client.recordEvents({ events: newEvents(1) }).then(
        () => true,
        () => false,
      );
    }
    await tail.until(() => tail.events.length === 6);
    await tail.stop();
  });
});

describe("an event that is read", async () => {
  const { client } = await startAuditService({ after });

  test("tells how far the log has come with it", async () => {
    const [event] = newEvents(1);
    await client.recordEvents({ events: newEvents(3, { correlationId: "before" }) });
    await client.recordEvents({ events: [event as NonNullable<typeof event>] });
    const tail = new TailCaller(client);
    await tail.until(() => tail.events.length === 4);
    await tail.stop();
    const read = (await client.getEvent({ eventId: event?.eventId as string })).event;
    assert.equal(read?.logIndex, 3n);
    // Without a key nothing is signed.
    assert.equal(read?.logState, LogState.INDEXED);
    const { events } = await client.listEvents({ orderBy: "event_timestamp" });
    assert.deepEqual(events.map(({ logIndex }) => Number(logIndex)).sort(), [0, 1, 2, 3]);
  });
});
