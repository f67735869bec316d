import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../../gen/ts/google/rpc/status_pb.ts";
import { AuditEventSchema } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type IngestEventsRequest,
  type IngestEventsResponse,
  IngestEventsResponseSchema,
} from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type Batch, gatherBatches, type SourcedEvent } from "./batches.ts";
import { type OpenStream, type SendOptions, sendBatches } from "./sender.ts";

const event = (line: number, bytes = 100): SourcedEvent => ({
  file: "f",
  line,
  bytes,
  event: create(AuditEventSchema, { eventType: `e.${line}` }),
});

const batch = (number: number): Batch => ({
  number: BigInt(number),
  events: [event(number).event],
  origins: [{ file: "f", line: number }],
  bytes: 100,
});

async function* batches(count: number): AsyncGenerator<Batch> {
  for (let number = 1; number <= count; number++) yield batch(number);
}

/** A status as the service puts it into an answer. */
function status(code: Code, reason: string, retryMs?: number): Status {
  const details = [anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason }))];
  if (retryMs !== undefined) {
    details.push(
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 0n, nanos: retryMs * 1e6 } })),
    );
  }
  return create(StatusSchema, { code, message: reason, details });
}

const ok = (number: bigint) => create(IngestEventsResponseSchema, { batchNumber: number, recorded: 1 });
const not = (number: bigint, why: Status) => create(IngestEventsResponseSchema, { batchNumber: number, status: why });

/** Runs sendBatches against streams that a test plays, and notes what happened. */
async function send(
  source: AsyncIterable<Batch>,
  streams: ((requests: AsyncIterable<IngestEventsRequest>) => AsyncIterable<IngestEventsResponse>)[],
  more: Partial<SendOptions> = {},
) {
  const seen: { sent: number[][]; settled: number[]; retries: number[][] } = { sent: [], settled: [], retries: [] };
  const open: OpenStream = (requests, { signal }) => {
    const sent: number[] = [];
    seen.sent.push(sent);
    const noted = (async function* () {
      for await (const request of requests) {
        sent.push(Number(request.batchNumber));
        yield request;
      }
    })();
    const play = streams[seen.sent.length - 1];
    return untilAborted(play === undefined ? answering(noted) : play(noted), signal);
  };
  const failure = await sendBatches(source, {
    open,
    requireRecorded: false,
    window: { batches: 4, bytes: 10_000 },
    answerTimeoutMs: 60_000,
    retryForMs: 60_000,
    signal: new AbortController().signal,
    onAnswer: ({ number }, _, settled) => settled && seen.settled.push(Number(number)),
    onRetry: (unanswered) => seen.retries.push(unanswered.map(({ number }) => Number(number))),
    ...more,
  }).catch((error: unknown) => error);
  return { ...seen, failure };
}

async function* answering(requests: AsyncIterable<IngestEventsRequest>): AsyncGenerator<IngestEventsResponse> {
  for await (const { batchNumber } of requests) yield ok(batchNumber);
}

/** As a transport does: an aborted call fails with the reason of its signal. */
async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  const iterator = source[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await Promise.race([iterator.next(), aborted]);
    if (done === true) return;
    yield value;
  }
}

test("everything is sent once, in order, when all goes well", async () => {
  const { sent, settled, failure } = await send(batches(20), []);
  const all = Array.from({ length: 20 }, (_, index) => index + 1);
  assert.deepEqual(sent, [all]);
  assert.deepEqual(settled, all);
  assert.equal(failure, undefined);
});

test("a batch that cannot be taken is sent again with all that followed it, in order, over a stream of its own", async () => {
  const refusing = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    for await (const { batchNumber } of requests) {
      if (batchNumber === 1n) yield ok(1n);
      else if (batchNumber === 2n) yield not(2n, status(Code.Unavailable, "DATABASE_UNAVAILABLE", 1));
      else yield not(batchNumber, status(Code.FailedPrecondition, "BATCH_NOT_TRIED"));
    }
  };
  const { sent, settled, retries, failure } = await send(batches(6), [refusing]);
  assert.equal(sent[0]?.[0], 1);
  assert.deepEqual(sent[1], [2, 3, 4, 5, 6]);
  assert.deepEqual(retries[0]?.[0], 2);
  assert.deepEqual(settled, [1, 2, 3, 4, 5, 6]);
  assert.equal(failure, undefined);
});

test("what a broken stream left unanswered is sent again", async () => {
  const breaking = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    for await (const { batchNumber } of requests) {
      if (batchNumber === 3n) throw new ConnectError("reset", Code.Aborted);
      yield ok(batchNumber);
    }
  };
  const ending = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    for await (const { batchNumber } of requests) {
      yield ok(batchNumber);
      return; // as a service that drains its connections
    }
  };
  const { sent, settled, failure } = await send(batches(5), [breaking, ending]);
  assert.equal(sent[1]?.[0], 3);
  assert.equal(sent[2]?.[0], 4);
  assert.deepEqual(settled, [1, 2, 3, 4, 5]);
  assert.equal(failure, undefined);
});

test("no more is under way than the window allows", async () => {
  let taken = 0;
  let answered = 0;
  let most = 0;
  const source = (async function* () {
    for await (const one of batches(50)) {
      taken += 1;
      most = Math.max(most, taken - answered);
      yield one;
    }
  })();
  // As a network does: takes what there is at once, and brings answers later.
  const slowly = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    const waiting: bigint[] = [];
    let ended = false;
    const reading = (async () => {
      for await (const { batchNumber } of requests) waiting.push(batchNumber);
      ended = true;
    })();
    while (!ended || waiting.length > 0) {
      for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
      const batchNumber = waiting.shift();
      if (batchNumber === undefined) continue;
      answered += 1;
      yield ok(batchNumber);
    }
    await reading;
  };
  await send(source, [slowly], { window: { batches: 3, bytes: 10_000 } });
  assert.equal(answered, 50);
  assert.ok(most <= 4, `${most} batches were held`);
});

test("a refusal for good, and a service that takes nothing for too long, end the run", async () => {
  const denied = () => {
    throw new ConnectError("no", Code.PermissionDenied);
  };
  assert.equal(((await send(batches(2), [denied])).failure as ConnectError).code, Code.PermissionDenied);
  const away = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    for await (const { batchNumber } of requests)
      yield not(batchNumber, status(Code.Unavailable, "DATABASE_UNAVAILABLE", 5));
  };
  const { failure, sent } = await send(batches(2), Array(1000).fill(away), { retryForMs: 30 });
  assert.equal((failure as ConnectError).code, Code.Unavailable);
  assert.ok(sent.length >= 2, "it was tried again before it was given up");
});

test("a service that does not answer is given up, and asked again", async () => {
  const silent = async function* (requests: AsyncIterable<IngestEventsRequest>): AsyncGenerator<IngestEventsResponse> {
    for await (const _ of requests) await new Promise(() => {});
  };
  const { settled, retries } = await send(batches(2), [silent], { answerTimeoutMs: 20 });
  assert.deepEqual(settled, [1, 2]);
  assert.equal(retries.length, 1);
});

test("what the source throws comes out, after the answers to what was sent", async () => {
  const source = (async function* () {
    yield batch(1);
    throw new Error("the disk is gone");
  })();
  const { settled, failure } = await send(source, []);
  assert.deepEqual(settled, [1]);
  assert.equal((failure as Error).message, "the disk is gone");
});

test("an interruption waits for the answers to what is under way, and sends no more", async () => {
  const ending = new AbortController();
  const interrupting = async function* (requests: AsyncIterable<IngestEventsRequest>) {
    for await (const { batchNumber } of requests) {
      if (batchNumber === 2n) ending.abort();
      yield ok(batchNumber);
    }
  };
  const { sent, settled, failure } = await send(batches(100), [interrupting], { signal: ending.signal });
  assert.deepEqual(settled, sent[0]);
  assert.ok(settled.length < 10);
  assert.equal(failure, undefined);
});

test("batches keep to the limits of events and bytes; an event over the limit goes alone", async () => {
  const groups = (async function* () {
    yield [event(1), event(2), event(3), event(4, 5000), event(5)];
  })();
  const sizes: number[][] = [];
  for await (const { origins } of gatherBatches(groups, { events: 2, bytes: 1000 }, 1000)) {
    sizes.push(origins.map(({ line }) => line));
  }
  assert.deepEqual(sizes, [[1, 2], [3], [4], [5]]);
});

test("events of a pipe that falls silent are sent without waiting for more", async () => {
  let release: (() => void) | undefined;
  const groups = (async function* () {
    yield [event(1)];
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield [event(2)];
  })();
  const gathered = gatherBatches(groups, { events: 10, bytes: 1000 }, 5);
  assert.equal((await gathered.next()).value?.origins[0]?.line, 1);
  release?.();
  assert.equal((await gathered.next()).value?.origins[0]?.line, 2);
});
