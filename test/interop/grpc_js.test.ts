// The service as a plain gRPC client sees it: grpc-js over HTTP/2, with nothing of ours but the generated messages.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import postgres from "postgres";
import {
  AuditService,
  type IngestEventsRequestSchema,
  type IngestEventsResponse,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { GrpcJsClient, refusalOf } from "./grpc_js.ts";
import { assertWhole, batchesOf, protobufJsonOf, type RecordedEvent, toMessage } from "./recording.ts";
import { sample } from "./sample.ts";

const { recordEvents, ingestEvents, getEvent, listEvents, getServiceInfo } = AuditService.method;
/** What grpc-js takes for `grpc.default_compression_algorithm`. */
const GZIP = 2;

describe("grpc-js", () => {
  let endpoint: Endpoint;
  let client: GrpcJsClient;
  before(async () => {
    endpoint = await startEndpoint("grpc_js");
    client = new GrpcJsClient(endpoint.address);
  });
  after(async () => {
    client?.close();
    await endpoint?.close();
  });

  /** The sample's events under ids and remediations of this test's own. */
  const eventsOf = (remediation: string): RecordedEvent[] =>
    sample.events.map((event) => ({
      ...event,
      event_id: crypto.randomUUID(),
      correlation_id: `${remediation}-${event.correlation_id}`,
    }));

  test("records, reads one event and lists by pages", async () => {
    const events = eventsOf("unary");
    const { results } = await client.call(recordEvents, { events: events.map((event) => toMessage(event, "struct")) });
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set([RecordOutcome.RECORDED]));
    assert.deepEqual(
      results.map(({ eventId }) => eventId),
      events.map(({ event_id }) => event_id),
    );

    const [first] = events as [RecordedEvent];
    const { event } = await client.call(getEvent, { eventId: first.event_id });
    assert.equal(event?.eventHash, results[0]?.eventHash);
    assertWhole([protobufJsonOf(event as NonNullable<typeof event>)], [first]);

    const filter = { correlationId: first.correlation_id };
    const pages = [];
    for (let pageToken = "", end = false; !end; end = pageToken === "") {
      const page = await client.call(listEvents, { filter, orderBy: "chain_position", pageSize: 9, pageToken });
      pages.push(page.events.map(protobufJsonOf));
      pageToken = page.nextPageToken;
    }
    const sent = events.filter(({ correlation_id }) => correlation_id === first.correlation_id);
    assert.deepEqual(
      pages.map((page) => page.length).filter((length) => length > 0),
      batchesOf(sent, 9).map((batch) => batch.length),
    );
    assertWhole(pages.flat(), sent);
  });

  test("takes messages that are compressed with gzip", async () => {
    const compressing = new GrpcJsClient(endpoint.address, { "grpc.default_compression_algorithm": GZIP });
    try {
      const events = eventsOf("gzip").map((event) => toMessage(event, "json"));
      const { results } = await compressing.call(recordEvents, { events });
      assert.equal(results.filter(({ outcome }) => outcome === RecordOutcome.RECORDED).length, events.length);
      const [answer] = await compressing.exchange(ingestEvents, [{ batchNumber: 1n, events }]);
      assert.equal(answer?.duplicates, events.length);
    } finally {
      compressing.close();
    }
  });

  test("gets the rules that a request breaks in grpc-status-details-bin", async () => {
    const empty = await refused(client.call(recordEvents, { events: [] }));
    assert.equal(empty.code, status.INVALID_ARGUMENT);
    const refusal = refusalOf(empty);
    assert.equal(refusal.status.code, status.INVALID_ARGUMENT);
    assert.equal(refusal.status.message, empty.details);
    assert.deepEqual(
      refusal.badRequest?.fieldViolations.map(({ field, description }) => [field, description]),
      [["events", "must contain at least 1 item(s)"]],
    );
    assert.deepEqual([refusal.errorInfo?.reason, refusal.errorInfo?.domain], ["INVALID_ARGUMENT", "kubernaut.ai"]);

    const notUuid = refusalOf(await refused(client.call(getEvent, { eventId: "no-uuid" })));
    assert.deepEqual(
      notUuid.badRequest?.fieldViolations.map(({ field }) => field),
      ["event_id"],
    );
    const absent = await refused(client.call(getEvent, { eventId: crypto.randomUUID() }));
    assert.equal(absent.code, status.NOT_FOUND);
    assert.equal(refusalOf(absent).errorInfo?.reason, "EVENT_NOT_FOUND");
  });

  test("gets an outcome for each bad event of a batch, and the good ones are recorded", async () => {
    const [good, bad] = eventsOf("mixed") as [RecordedEvent, RecordedEvent];
    const { results } = await client.call(recordEvents, {
      events: [toMessage(good, "struct"), { ...toMessage(bad, "struct"), eventType: "NOT OK", correlationId: "" }],
    });
    assert.deepEqual(
      results.map(({ outcome, violations }) => [outcome, violations.map(({ field }) => field)]),
      [
        [RecordOutcome.RECORDED, []],
        [RecordOutcome.REJECTED, ["events[1].event_type", "events[1].correlation_id"]],
      ],
    );
  });

  test("gets each answer of a stream before it sends the next batch", async () => {
    const stream = client.open(ingestEvents);
    for (const [index, batch] of batchesOf(eventsOf("ping-pong"), 20).entries()) {
      const answered = once(stream, "data");
      stream.write({ batchNumber: BigInt(index + 1), events: batch.map((event) => toMessage(event, "json")) });
      const [answer] = (await answered) as [IngestEventsResponse];
      assert.deepEqual([answer.batchNumber, answer.recorded], [BigInt(index + 1), batch.length]);
    }
    stream.end();
    assert.equal((await statusOf(stream)).code, status.OK);
  });

  test("can send again what was under way when it cancelled", async () => {
    const events = eventsOf("cancelled");
    const batches: MessageInitShape<typeof IngestEventsRequestSchema>[] = batchesOf(events, 10).map((batch, index) => ({
      batchNumber: BigInt(index + 1),
      events: batch.map((event) => toMessage(event, "json")),
    }));
    const stream = client.open(ingestEvents);
    const ended = statusOf(stream);
    for (const batch of batches) stream.write(batch);
    await once(stream, "data");
    stream.cancel();
    assert.equal((await ended).code, status.CANCELLED);

    const answers = await client.exchange(ingestEvents, batches);
    const settled = answers.map(({ recorded, duplicates }) => recorded + duplicates);
    assert.deepEqual(
      settled,
      batches.map(({ events }) => events?.length),
    );
    for (const [correlationId, sent] of Map.groupBy(events, (event) => event.correlation_id)) {
      const { events } = await client.call(listEvents, { filter: { correlationId }, orderBy: "chain_position" });
      assertWhole(events.map(protobufJsonOf), sent);
    }
  });

  test("is told to go on elsewhere when the service ends while its stream is open", async () => {
    const ending = await startEndpoint("ending");
    const caller = new GrpcJsClient(ending.address);
    const [event] = eventsOf("ending") as [RecordedEvent];
    const stream = caller.open(ingestEvents);
    const failed = once(stream, "error");
    const answered = once(stream, "data");
    stream.write({ batchNumber: 1n, events: [toMessage(event, "json")] });
    const [answer] = (await answered) as [IngestEventsResponse];
    assert.equal(answer.recorded, 1);
    await ending.close();
    // Not OK: the client has not ended its stream, and must not think that all it wrote was taken.
    const [error] = (await failed) as [ServiceError];
    assert.equal(error.code, status.UNAVAILABLE);
    assert.equal(refusalOf(error).errorInfo?.reason, "CONNECTION_DRAINING");
    caller.close();
  });

  test("is told when its deadline passes, and can send again", async () => {
    const events = eventsOf("hasty").map((event) => toMessage(event, "json"));
    const sql = postgres(endpoint.databaseUrl, { max: 1 });
    try {
      await sql.begin(async (held) => {
        await held`lock table audit_events in share mode`;
        const late = await refused(client.call(recordEvents, { events }, { deadline: Date.now() + 200 }));
        assert.equal(late.code, status.DEADLINE_EXCEEDED);
      });
    } finally {
      await sql.end();
    }
    const { results } = await client.call(recordEvents, { events });
    const settled = new Set<number>([RecordOutcome.RECORDED, RecordOutcome.DUPLICATE]);
    assert.deepEqual(
      results.map(({ outcome }) => settled.has(outcome)),
      events.map(() => true),
    );
  });

  test("may send metadata that the service does not know", async () => {
    const metadata = new Metadata();
    metadata.set("x-request-id", "a, b");
    metadata.set("authorization", "Bearer nobody");
    metadata.set("odd-bin", Buffer.from([0, 255, 10]));
    metadata.set("traceparent", "not-a-traceparent");
    const { version, limits } = await client.call(getServiceInfo, {}, { metadata });
    assert.match(version, /^\d+\.\d+\.\d+/);
    assert.equal(limits?.maxBatchEvents, 1000);
  });

  test("is refused with a message that is too long, and goes on with the next", async () => {
    const [event] = eventsOf("long") as [RecordedEvent];
    const message = { ...toMessage(event, "json"), correlationId: "x".repeat(5 * 1024 * 1024) };
    const long = await refused(client.call(recordEvents, { events: [message] }));
    assert.equal(long.code, status.RESOURCE_EXHAUSTED, long.details);
    await client.call(recordEvents, { events: [toMessage(event, "json")] });
  });
});

async function refused(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.then(
    () => assert.fail("the call should have been refused"),
    (error: ServiceError) => error,
  );
  assert.equal(typeof error.code, "number", `${error.stack}`);
  return error;
}

/** How a stream ends; reads what is left of it. */
function statusOf(stream: ReturnType<GrpcJsClient["open"]>): Promise<{ code: number; details: string }> {
  return new Promise((resolve) => {
    stream.on("error", () => {});
    stream.on("status", resolve);
    stream.resume();
  });
}
