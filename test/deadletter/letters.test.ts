// DeadLetterService over a real database and a real Valkey.
import assert from "node:assert/strict";
import { randomUUIDv7 } from "node:crypto";
import { test } from "node:test";
import type { DescEnum } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { StoreState } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import {
  BreakerState,
  DeadLetterReason,
  DeadLetterService,
  DiscardOutcomeSchema,
  QueueStream,
  ReplayOutcome,
  ReplayOutcomeSchema,
} from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { encodeEntry } from "../../src/deadletter/entry.ts";
import { deadLetterRoutes } from "../../src/deadletter/service.ts";
import { startTestServer } from "../rpc/support.ts";
import { errorOf } from "../support/audit_service.ts";
import { accept, refuse } from "../support/drain_site.ts";
import { type LettersSite, openLettersSite } from "../support/letters_site.ts";
import { preparedEvent } from "../support/prepared_event.ts";

/** The events of acts, in order: type, outcome, actor and payload. */
async function acts({ admin }: LettersSite, correlationId: string) {
  const rows = await admin<{ event_type: string; event_outcome: string; actor_id: string; event_data: Data }[]>`
    SELECT event_type, event_outcome, actor_id, event_data FROM audit_events
    WHERE correlation_id = ${correlationId} ORDER BY chain_position`;
  return rows.map(({ event_type: type, event_outcome: outcome, actor_id: actor, event_data: data }) => {
    return { type, outcome, actor, data };
  });
}

interface Data {
  readonly reason?: string;
  readonly letters: readonly { readonly letter: string; readonly event_id?: string; readonly outcome?: string }[];
}

/** The name of an enum's value without its prefix. */
function nameOf(schema: DescEnum, value: number): string {
  return schema.value[value]?.name.replace(/^[A-Z]+_OUTCOME_/, "") ?? "";
}

async function stored({ admin }: LettersSite, correlationId: string): Promise<string[]> {
  const rows = await admin<{ event_id: string }[]>`
    SELECT event_id FROM audit_events WHERE correlation_id = ${correlationId} ORDER BY chain_position`;
  return rows.map(({ event_id }) => event_id);
}

async function listed({ client }: LettersSite, request: Parameters<LettersSite["client"]["listDeadLetters"]>[0] = {}) {
  return (await client.listDeadLetters(request)).letters;
}

test("a letter tells its event as it would be stored, and what befell it", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const event = preparedEvent({
    event_data: '{"n":1.5,"text":"ä"}',
    error_message: "one\u001ftwo\u001ethree\u001d",
    duration_ms: 0,
    is_sensitive: true,
    retention_days: 10,
  });
  const id = await site.bury(event, { tries: 3 });
  const [letter] = await listed(site, { payloadForm: PayloadForm.JSON });
  assert.ok(letter?.content.case === "event");
  const told = letter.content.value;
  assert.deepEqual(
    {
      id: letter.id,
      stream: letter.stream,
      reason: letter.reason,
      tries: letter.tries,
      eventId: letter.eventId,
      correlationId: letter.correlationId,
      description: letter.description,
      queued: letter.queuedTime && timestampDate(letter.queuedTime).toISOString(),
      failed: letter.firstFailedTime && timestampDate(letter.firstFailedTime).toISOString(),
      dead: letter.deadLetteredTime && timestampDate(letter.deadLetteredTime).toISOString(),
    },
    {
      id,
      stream: QueueStream.EVENTS,
      reason: DeadLetterReason.REFUSED,
      tries: 3,
      eventId: event.eventId,
      correlationId: "rr-1",
      description: "the database refuses it (SQLSTATE 23514)",
      queued: "2026-05-13T21:24:05.000Z",
      failed: "2026-05-13T21:25:00.000Z",
      dead: "2026-05-13T21:26:00.000Z",
    },
  );
  assert.equal(told.errorMessage, "one\u001ftwo\u001ethree\u001d");
  assert.deepEqual([told.durationMs, told.isSensitive, told.retentionDays], [0n, true, 10]);
  assert.equal(Buffer.from(told.payload.value as Uint8Array).toString(), '{"n":1.5,"text":"ä"}');
  assert.deepEqual([told.chainPosition, told.eventHash, told.recordedBy], [0n, "", "tester"]);
});

test("letters come page by page, the oldest first over both streams, and by filter", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const ids: string[] = [];
  for (let index = 0; index < 40; index++) {
    const stream = index % 3 === 0 ? "notifications" : "events";
    const event = preparedEvent({ correlation_id: `rr-${index % 4}` });
    ids.push(await site.bury(event, { reason: index % 2 === 0 ? "refused" : "conflict" }, stream));
  }
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await site.client.listDeadLetters({ pageSize: 15, pageToken });
    pages.push(page.letters.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(pages, [ids.slice(0, 15), ids.slice(15, 30), ids.slice(30)]);

  const filter = { streams: [QueueStream.EVENTS], reason: DeadLetterReason.CONFLICT, correlationId: "rr-1" };
  const wanted = ids.filter((_, index) => index % 3 !== 0 && index % 4 === 1);
  const found = await site.client.listDeadLetters({ filter, pageSize: 2 });
  assert.deepEqual(
    found.letters.map(({ id }) => id),
    wanted.slice(0, 2),
  );
  const other = await errorOf(site.client.listDeadLetters({ pageToken: found.nextPageToken }));
  assert.equal(other.code, "InvalidArgument");
  const rest = await site.client.listDeadLetters({ filter, pageToken: found.nextPageToken });
  assert.deepEqual(
    rest.letters.map(({ id }) => id),
    wanted.slice(2),
  );
});

test("a page of large letters stays under 4 MiB and loses none", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const numbers = `{"numbers":[${Array.from({ length: 100_000 }, () => 1).join(",")}]}`;
  const ids: string[] = [];
  for (let index = 0; index < 8; index++) ids.push(await site.bury(preparedEvent({ event_data: numbers })));
  const found: string[] = [];
  let pages = 0;
  for (let pageToken = ""; ; pages++) {
    const page = await site.client.listDeadLetters({ pageToken });
    found.push(...page.letters.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  assert.deepEqual(found, ids);
  assert.ok(pages > 0);
});

test("a replay stores what can be stored at the end of its chain and keeps the rest", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const { client, admin, log } = site;
  const submit = (event: ReturnType<typeof preparedEvent>) => log.writer.submit(log.writer.open(), [event]);
  const first = preparedEvent();
  const sent = preparedEvent({ error_code: "fine" });
  const other = preparedEvent({ event_id: sent.eventId, error_code: "other" });
  await submit(first);
  await submit(sent);
  const good = preparedEvent();
  const poison = preparedEvent({ error_code: "poison" });
  await refuse(admin, "poison");
  const ids = {
    poison: await site.bury(poison),
    good: await site.bury(good),
    repeat: await site.bury(first),
    conflict: await site.bury(other, { reason: "conflict" }),
  };
  const absent = "events/999999";
  const asked = [absent, ids.conflict, ids.repeat, ids.good, ids.poison];

  const { results, correlationId } = await client.replayDeadLetters({ ids: asked });
  assert.deepEqual(
    results.map(({ id, outcome }) => [id, nameOf(ReplayOutcomeSchema, outcome)]),
    [
      [absent, "NOT_FOUND"],
      [ids.conflict, "CONFLICT"],
      [ids.repeat, "DUPLICATE"],
      [ids.good, "RECORDED"],
      [ids.poison, "REJECTED"],
    ],
  );
  assert.deepEqual([results[3]?.chainPosition, results[3]?.eventId], [3n, good.eventId]);
  assert.match(results[4]?.violations[0]?.description ?? "", /23514|refuses/);
  assert.deepEqual(await stored(site, "rr-1"), [first.eventId, sent.eventId, good.eventId]);
  assert.deepEqual(
    (await listed(site)).map(({ id }) => id),
    [ids.poison, ids.conflict],
  );
  const [begun, ended] = await acts(site, correlationId);
  assert.deepEqual(
    [begun, ended].map((act) => [act?.type, act?.outcome, act?.actor]),
    [
      ["datastorage.deadletter.replayed", "pending", "anonymous"],
      ["datastorage.deadletter.replayed", "failure", "anonymous"],
    ],
  );
  assert.deepEqual(
    ended?.data.letters.map(({ letter, outcome }) => [letter, outcome]),
    [
      [ids.conflict, "conflict"],
      [ids.repeat, "duplicate"],
      [ids.good, "recorded"],
      [ids.poison, "rejected"],
    ],
  );

  await accept(admin, "poison");
  const again = await client.replayDeadLetters({ ids: [ids.poison] });
  assert.equal(again.results[0]?.outcome, ReplayOutcome.RECORDED);
  assert.equal((await stored(site, "rr-1")).at(-1), poison.eventId);
  assert.equal((await acts(site, again.correlationId))[1]?.outcome, "success");
});

test("letters that are replayed together keep the order in which they came", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const events = Array.from({ length: 50 }, () => preparedEvent());
  const ids: string[] = [];
  for (const event of events) ids.push(await site.bury(event));
  await site.client.replayDeadLetters({ ids: ids.toReversed() });
  assert.deepEqual(
    await stored(site, "rr-1"),
    events.map(({ eventId }) => eventId),
  );
  assert.deepEqual(await listed(site), []);
});

test("what could not be decoded is told as it is, tried again, and stored once it can be read", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const events = [preparedEvent(), preparedEvent()];
  const readable = encodeEntry(events, "2026-05-13T21:24:05.000Z", "away");
  const id = await site.buryWhole({ ...readable, payload: `[ü${"x".repeat(20_000)}` });
  const newer = await site.buryWhole(readable, 'its version is "2" and not 1');
  const [letter] = await listed(site);
  assert.ok(letter?.content.case === "raw");
  assert.deepEqual(
    [letter.reason, letter.description, letter.eventId],
    [DeadLetterReason.UNDECODABLE, "its payload is no JSON", ""],
  );
  assert.equal(letter.content.value.text, `[ü${"x".repeat(16_382)}`);
  assert.equal(letter.content.value.bytes, 20_003n);
  const { results } = await site.client.replayDeadLetters({ ids: [id, newer] });
  assert.deepEqual(
    results.map(({ outcome }) => nameOf(ReplayOutcomeSchema, outcome)),
    ["REJECTED", "RECORDED"],
  );
  assert.match(results[0]?.violations[0]?.description ?? "", /it cannot be decoded: its payload does not match/);
  assert.deepEqual(
    await stored(site, "rr-1"),
    events.map(({ eventId }) => eventId),
  );
});

test("while the database is away nothing is replayed or discarded, and no letter is lost", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const id = await site.bury(preparedEvent());
  site.proxy.onConnect = "close";
  site.proxy.reset();
  for (const call of [
    site.client.replayDeadLetters({ ids: [id] }),
    site.client.discardDeadLetters({ ids: [id], reason: "not needed" }),
  ]) {
    const { code, retryMs } = await errorOf(call);
    assert.equal(code, "Unavailable");
    assert.ok((retryMs ?? 0) > 0);
  }
  assert.equal((await listed(site)).length, 1);
  assert.equal((await site.client.getQueueStatus({})).database?.state, StoreState.UNAVAILABLE);
});

test("a discarded letter is gone, its bytes are free, and the trail says who, why and which", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const [gone, kept] = [preparedEvent(), preparedEvent()];
  const ids = [await site.bury(gone), await site.bury(kept, {}, "notifications")] as const;
  const whole = await site.buryWhole({ type: "unknown", payload: "ü" });
  const { results, correlationId } = await site.client.discardDeadLetters({
    ids: [ids[0], "events/999999", whole],
    reason: "a test of last year",
  });
  assert.deepEqual(
    results.map(({ id, outcome, eventId }) => [id, nameOf(DiscardOutcomeSchema, outcome), eventId]),
    [
      [ids[0], "DISCARDED", gone.eventId],
      ["events/999999", "NOT_FOUND", ""],
      [whole, "DISCARDED", ""],
    ],
  );
  assert.deepEqual(
    (await listed(site)).map(({ id }) => id),
    [ids[1]],
  );
  const [begun, ended] = await acts(site, correlationId);
  assert.deepEqual([begun?.type, begun?.outcome], ["datastorage.deadletter.discarded", "pending"]);
  assert.equal(begun?.data.reason, "a test of last year");
  assert.deepEqual(begun?.data.letters, [
    { letter: ids[0], event_id: gone.eventId, correlation_id: "rr-1" },
    { letter: whole },
  ]);
  assert.equal(ended?.outcome, "success");
  const { depth } = await site.open.store.status();
  assert.deepEqual([depth.events.letters, depth.events.letterBytes], [0, 0]);
  await site.client.discardDeadLetters({ ids: [ids[1]], reason: "the other" });
  // The counter itself: an empty stream is put right when it is looked at.
  assert.equal(await site.valkey.admin.hget("audit:dlq:meta", "dead_bytes:notifications"), "0");
});

test("bytes are taken back exactly while other letters stay", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  await site.bury(preparedEvent());
  const before = (await site.open.store.status()).depth.events.letterBytes;
  const id = await site.bury(preparedEvent({ event_data: '{"text":"äöü"}' }));
  const whole = await site.buryWhole({ type: "unknown", payload: "ü", retry_count: "0" });
  await site.client.discardDeadLetters({ ids: [id, whole], reason: "a test" });
  assert.equal((await site.open.store.status()).depth.events.letterBytes, before);
});

test("requests that break rules change nothing", async (t) => {
  const site = await openLettersSite(t);
  if (site === undefined) return;
  const id = await site.bury(preparedEvent());
  for (const call of [
    site.client.discardDeadLetters({ ids: [id], reason: "" }),
    site.client.discardDeadLetters({ ids: [id, id], reason: "twice" }),
    site.client.discardDeadLetters({ ids: [], reason: "none" }),
    site.client.replayDeadLetters({ ids: [randomUUIDv7()] }),
    site.client.replayDeadLetters({ ids: [id, id] }),
    site.client.listDeadLetters({ pageToken: "x" }),
  ]) {
    assert.equal((await errorOf(call)).code, "InvalidArgument");
  }
  assert.equal((await listed(site)).length, 1);
  const none = await site.client.replayDeadLetters({ ids: ["events/999999"] });
  assert.equal(none.correlationId, "");
});

test("the status tells how much waits, since when, who has taken it, and whether the dead letters are full", async (t) => {
  const site = await openLettersSite(t, { deadLetters: 1 });
  if (site === undefined) return;
  const { store } = site.open;
  await site.bury(preparedEvent());
  const timestamp = new Date(Date.now() - 90_000).toISOString();
  await store.add([{ stream: "notifications", fields: encodeEntry([preparedEvent()], timestamp, "away") }]);
  await store.read("test", "notifications", 10);
  const status = await site.client.getQueueStatus({});
  assert.deepEqual([status.queue?.state, status.database?.state], [StoreState.AVAILABLE, StoreState.AVAILABLE]);
  assert.deepEqual(
    [status.breaker, status.drainingConsumer, status.drainingHere, status.bytesLimit],
    [BreakerState.CLOSED, "test", false, 2n ** 26n],
  );
  const [events, notifications] = status.streams;
  assert.deepEqual([events?.key, events?.depth, events?.oldestTime], ["audit:dlq:events", 0n, undefined]);
  assert.deepEqual([events?.deadLetters?.count, events?.deadLetters?.full], [1n, true]);
  assert.deepEqual([notifications?.depth, notifications?.depthLimit], [1n, 1000n]);
  assert.ok(Number(notifications?.oldestAge?.seconds) >= 90);
  assert.deepEqual(
    notifications?.consumers.map(({ name, pending }) => [name, pending]),
    [[store.consumer, 1n]],
  );

  await site.valkey.kill();
  await site.open.reaches("away");
  const away = await site.client.getQueueStatus({});
  assert.deepEqual([away.queue?.state, away.streams], [StoreState.UNAVAILABLE, []]);
  assert.equal((await errorOf(site.client.listDeadLetters({}))).code, "Unavailable");
});

test("without a queue the status says so, and there is nothing to act on", async (t) => {
  const queue = { state: "not_configured", reason: "" } as const;
  const parts = { queue: undefined, stores: () => ({ database: { available: true }, queue }) };
  const routes = [deadLetterRoutes({ ...parts, writer: undefined as never, log: undefined as never })];
  const server = await startTestServer({}, { routes, services: [DeadLetterService] });
  const sessionManager = new Http2SessionManager(server.url);
  t.after(async () => {
    sessionManager.abort();
    await server.close({ timeoutMs: 1000 });
  });
  const client = createClient(DeadLetterService, createGrpcTransport({ baseUrl: server.url, sessionManager }));
  const status = await client.getQueueStatus({});
  assert.deepEqual([status.queue?.state, status.breaker], [StoreState.NOT_CONFIGURED, BreakerState.UNSPECIFIED]);
  const { code, error } = await errorOf(client.listDeadLetters({}));
  assert.equal(code, "FailedPrecondition");
  assert.match(error.message, /without a queue/);
});
