// What IngestEvents promises about batches: answers in order, a batch that cannot be taken does not end the stream, nothing
// after it is tried until it is sent again, and the order within a correlation holds through all of it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import type { AuditEvent } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { IngestEventsResponse } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import {
  type AuditClient,
  errorOf,
  newEvent,
  newEvents,
  outcomes,
  startAuditService,
  untilServing,
} from "../support/audit_service.ts";
import { verifiedChain } from "../support/chain.ts";
import { IngestCaller } from "../support/ingest_caller.ts";
import { adminUrl } from "../support/server.ts";
import { once, onceAnswered, startTcpProxy } from "../support/tcp_proxy.ts";

const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
after(() => proxy.close());
const service = await startAuditService({ after }, {}, proxy.port);
const { client, admin } = service;

const OK = 0;
const INVALID_ARGUMENT = 3;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;

const codes = (answers: readonly IngestEventsResponse[]) => answers.map(({ status }) => status?.code);
const numbers = (answers: readonly IngestEventsResponse[]) => answers.map(({ batchNumber }) => batchNumber);

/** The details of a batch's status: the reason, the batch that it names, and the paths at fault. */
function detailsOf({ status }: IngestEventsResponse) {
  const details = status?.details ?? [];
  const read = (type: string) => details.find(({ typeUrl }) => typeUrl.endsWith(type))?.value;
  const info = read("ErrorInfo");
  const request = read("BadRequest");
  const retry = read("RetryInfo");
  const errorInfo = info && fromBinary(ErrorInfoSchema, info);
  return {
    reason: errorInfo?.reason,
    blockedBy: errorInfo?.metadata["batch_number"],
    fields: request && fromBinary(BadRequestSchema, request).fieldViolations.map(({ field }) => field),
    retries: retry !== undefined && fromBinary(RetryInfoSchema, retry).retryDelay !== undefined,
  };
}

test("answers come in the order of the batches and count every outcome", async () => {
  const correlationId = "counts";
  const stream = new IngestCaller(client);
  const first = newEvents(30, { correlationId });
  stream.push(7n, first);
  const mixed = [
    first[0] as AuditEvent,
    newEvent({ correlationId }),
    { ...(first[1] as AuditEvent), severity: "low" },
    newEvent({ correlationId, eventType: "" }),
  ];
  stream.push(3n, mixed);
  stream.push(4n, newEvents(2, { correlationId }), true);
  const answers = await stream.end();
  assert.deepEqual(numbers(answers), [7n, 3n, 4n]);
  assert.deepEqual(codes(answers), [OK, OK, OK]);
  const [one, two, three] = answers as [IngestEventsResponse, IngestEventsResponse, IngestEventsResponse];
  assert.deepEqual([one.recorded, one.results], [30, []], "RECORDED events are told when asked for alone");
  assert.deepEqual([two.recorded, two.duplicates, two.conflicts, two.rejected], [1, 1, 1, 1]);
  assert.deepEqual(outcomes(two.results), ["DUPLICATE", "CONFLICT", "REJECTED"]);
  assert.deepEqual(
    two.results.map(({ index, violations }) => [index, violations.map(({ field }) => field)]),
    [
      [0, []],
      [2, ["events[2].event_id"]],
      [3, ["events[3].event_type", "events[3].event_type"]],
    ],
  );
  assert.deepEqual(outcomes(three.results), ["RECORDED", "RECORDED"]);
  assert.deepEqual(
    three.results.map(({ chainPosition }) => chainPosition),
    [32n, 33n],
  );
});

test("a batch that breaks a rule is refused, and holds up what follows until its number comes again", async () => {
  const correlationId = "invalid batch";
  const stream = new IngestCaller(client);
  const one = await stream.send(1n, newEvents(2, { correlationId }));
  assert.equal(one.status?.code, OK);

  const empty = await stream.send(2n, []);
  assert.equal(empty.status?.code, INVALID_ARGUMENT);
  assert.equal(detailsOf(empty).reason, "INVALID_ARGUMENT");
  const blocked = await stream.send(3n, newEvents(2, { correlationId }));
  assert.equal(blocked.status?.code, FAILED_PRECONDITION);
  assert.deepEqual([detailsOf(blocked).reason, detailsOf(blocked).blockedBy], ["BATCH_NOT_TRIED", "2"]);
  assert.deepEqual([blocked.recorded, blocked.results], [0, []]);
  const tooMany = await stream.send(2n, newEvents(1001));
  assert.equal(tooMany.status?.code, INVALID_ARGUMENT, "sent again, it is looked at again");

  assert.equal((await stream.send(2n, newEvents(2, { correlationId }))).status?.code, OK);
  assert.equal((await stream.send(3n, newEvents(2, { correlationId }))).status?.code, OK);
  await stream.end();
  assert.equal((await verifiedChain(client, admin, correlationId)).length, 6);
});

test("a batch without a number is refused and blocks nothing, since it cannot be named", async () => {
  const stream = new IngestCaller(client);
  const refused = await stream.send(0n, newEvents(1));
  assert.deepEqual([refused.status?.code, detailsOf(refused).fields], [INVALID_ARGUMENT, ["batch_number"]]);
  assert.equal((await stream.send(1n, newEvents(1))).status?.code, OK);
  await stream.end();
});

for (const { cut, direction, verdict } of [
  { cut: "before an append arrives", direction: "up", verdict: "cut" },
  { cut: "before an append is answered", direction: "down", verdict: "cut" },
] as const) {
  test(`order holds when the connection is cut ${cut} with many batches under way`, async () => {
    const correlationId = `order, cut ${cut}`;
    const batches = Array.from({ length: 12 }, () => newEvents(150, { correlationId }));
    const marker = batches[4]?.[0]?.eventId as string;
    const hasMarker = (chunk: Buffer) => chunk.includes(marker);
    if (direction === "up") once(proxy, "up", hasMarker, verdict);
    else onceAnswered(proxy, hasMarker, verdict);
    const stream = new IngestCaller(client);
    for (const [index, events] of batches.entries()) stream.push(BigInt(index + 1), events);
    const answers: IngestEventsResponse[] = [];
    for (const _ of batches) answers.push(await stream.next());
    assert.deepEqual(
      numbers(answers),
      batches.map((_, index) => BigInt(index + 1)),
    );

    const failed = answers.findIndex(({ status }) => status?.code !== OK);
    const { reason, retries } = detailsOf(answers[failed] as IngestEventsResponse);
    assert.deepEqual([answers[failed]?.status?.code, reason, retries], [UNAVAILABLE, "DATABASE_UNAVAILABLE", true]);
    for (const answer of answers.slice(failed + 1)) {
      assert.equal(answer.status?.code, FAILED_PRECONDITION);
      assert.deepEqual(
        [detailsOf(answer).reason, detailsOf(answer).blockedBy],
        ["BATCH_NOT_TRIED", String(failed + 1)],
      );
    }

    await untilServing(service.health);
    const ahead = await stream.send(99n, newEvents(1, { correlationId }));
    assert.equal(detailsOf(ahead).reason, "BATCH_NOT_TRIED", "the database is back, but the failed batch is not");
    for (const [index, events] of batches.entries()) if (index >= failed) stream.push(BigInt(index + 1), events);
    const again = await stream.end();
    assert.deepEqual(new Set(codes(again)), new Set([OK]));
    for (const { recorded, duplicates } of again) assert.equal(recorded + duplicates, 150);
    const chain = await verifiedChain(client, admin, correlationId);
    assert.deepEqual(
      chain.map(({ eventId }) => eventId),
      batches.flat().map(({ eventId }) => eventId),
    );
  });
}

test("many correlations in one stream each keep their order", async () => {
  const events = Array.from({ length: 3000 }, (_, index) => newEvent({ correlationId: `many ${(index * 7919) % 40}` }));
  const stream = new IngestCaller(client);
  for (let at = 0; at < events.length; at += 250) stream.push(BigInt(at + 1), events.slice(at, at + 250));
  assert.deepEqual(new Set(codes(await stream.end())), new Set([OK]));
  for (let number = 0; number < 40; number++) {
    const chain = await verifiedChain(client, admin, `many ${number}`);
    const sent = events.filter(({ correlationId }) => correlationId === `many ${number}`);
    assert.deepEqual(
      chain.map(({ eventId }) => eventId),
      sent.map(({ eventId }) => eventId),
    );
  }
});

test("a caller that goes away in the middle leaves whole chains and a service at work", async () => {
  const correlationId = "gone";
  const gone = new AbortController();
  const stream = new IngestCaller(client, { signal: gone.signal });
  for (let batch = 1n; batch <= 20n; batch++) stream.push(batch, newEvents(100, { correlationId }));
  await stream.next();
  gone.abort();
  assert.equal((await errorOf(stream.next())).code, "Canceled");
  const other = await client.recordEvents({ events: newEvents(1, { correlationId }) });
  assert.deepEqual(outcomes(other.results), ["RECORDED"]);
  assert.ok((await verifiedChain(client, admin, correlationId)).length >= 101);
});

test("what a stream was told before the service shut down is stored", async () => {
  const correlationId = "shutdown";
  const stream = new IngestCaller(client);
  const batches = Array.from({ length: 30 }, () => newEvents(100, { correlationId }));
  for (const [index, events] of batches.entries()) stream.push(BigInt(index + 1), events);
  await stream.next();
  const restarting = service.restart();
  const told = 1 + (await answered(stream));
  const { client: anew }: { client: AuditClient } = await restarting;
  const chain = await verifiedChain(anew, admin, correlationId);
  assert.ok(chain.length >= told * 100, `${told} batches were answered and ${chain.length} events are stored`);
  assert.deepEqual(
    chain.map(({ eventId }) => eventId),
    batches
      .flat()
      .slice(0, chain.length)
      .map(({ eventId }) => eventId),
  );
});

/** Batches answered OK until the stream ends, in whatever way. */
async function answered(stream: IngestCaller): Promise<number> {
  for (let count = 0; ; ) {
    try {
      if ((await stream.next()).status?.code === OK) count++;
    } catch {
      return count;
    }
  }
}
