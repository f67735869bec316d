// Recorded remediations through the running service, by two clients that are not ours: grpc-js and buf.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  AuditService,
  type EventResult,
  ListEventsResponseSchema,
  RecordEventsResponseSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { bufCurl } from "./buf_curl.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { GrpcJsClient } from "./grpc_js.ts";
import {
  assertWhole,
  batchesOf,
  byCorrelation,
  protobufJsonOf,
  type RecordedEvent,
  type Recording,
  recordedTraces,
  toMessage,
  toProtobufJson,
} from "./recording.ts";
import { recordings } from "./sample.ts";

const { RECORDED, DUPLICATE, CONFLICT } = RecordOutcome;

/** One way to put events in and to get them out. */
interface Client {
  /** Records the events, in order; one result an event. */
  record(events: readonly RecordedEvent[]): Promise<EventResult[]>;
  /** The events of a remediation in the order of its chain, in protobuf's JSON form. */
  list(correlationId: string): Promise<JsonObject[]>;
  close(): void;
}

const clients: Readonly<Record<string, (address: string) => Client>> = {
  "grpc-js over IngestEvents": grpcJs,
  "buf curl over RecordEvents": buf,
};

if (recordedTraces() === undefined) {
  test("recorded traces", {
    skip: "DATASTORAGE_TEST_DATA names no folder; samples of our own are used alone",
  }, () => {});
}

for (const [name, connect] of Object.entries(clients)) {
  describe(name, () => {
    let endpoint: Endpoint;
    let client: Client;
    before(async () => {
      endpoint = await startEndpoint("traces");
      client = connect(endpoint.address);
    });
    after(async () => {
      client?.close();
      await endpoint?.close();
    });
    for (const recording of recordings) {
      test(`${recording.name} comes back whole, once, and as it was sent first`, () => keepsOnce(client, recording));
    }
  });
}

async function keepsOnce(client: Client, { events }: Recording): Promise<void> {
  const first = await client.record(events);
  assert.deepEqual(
    outcomesOf(first),
    events.map(() => RECORDED),
  );
  await assertStored(client, events);

  const again = await client.record(events);
  assert.deepEqual(
    again,
    first.map((result) => ({ ...result, outcome: DUPLICATE })),
  );

  const middle = Math.floor(events.length / 2);
  const changed = events.map((event, index) =>
    index === middle ? { ...event, event_data: { ...event.event_data, changed: true } } : event,
  );
  const third = await client.record(changed);
  assert.deepEqual(
    outcomesOf(third),
    events.map((_, index) => (index === middle ? CONFLICT : DUPLICATE)),
  );
  assert.deepEqual(
    third[middle]?.violations.map(({ field }) => field),
    [`events[${third[middle]?.index}].event_id`],
  );
  await assertStored(client, events);
}

async function assertStored(client: Client, events: readonly RecordedEvent[]): Promise<void> {
  for (const [correlationId, sent] of byCorrelation(events)) assertWhole(await client.list(correlationId), sent);
}

function outcomesOf(results: readonly EventResult[]): RecordOutcome[] {
  return results.map(({ outcome }) => outcome) as RecordOutcome[];
}

const BATCH = 25;
const PAGE = 40;

function grpcJs(address: string): Client {
  const client = new GrpcJsClient(address);
  return {
    async record(events) {
      const batches = batchesOf(events, BATCH);
      const answers = await client.exchange(
        AuditService.method.ingestEvents,
        batches.map((batch, index) => ({
          batchNumber: BigInt(index + 1),
          allResults: true,
          events: batch.map((event) => toMessage(event, "json")),
        })),
      );
      assert.deepEqual(
        answers.map(({ batchNumber, status }) => [batchNumber, status?.code]),
        batches.map((_, index) => [BigInt(index + 1), 0]),
      );
      return answers.flatMap(({ results }) => results);
    },
    async list(correlationId) {
      const listed: JsonObject[] = [];
      let pageToken = "";
      do {
        const page = await client.call(AuditService.method.listEvents, {
          filter: { correlationId },
          orderBy: "chain_position",
          pageSize: PAGE,
          pageToken,
          payloadForm: PayloadForm.JSON,
        });
        listed.push(...page.events.map(protobufJsonOf));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return listed;
    },
    close: () => client.close(),
  };
}

function buf(address: string): Client {
  return {
    async record(events) {
      const answer = await bufCurl(address, "RecordEvents", { events: events.map(toProtobufJson) });
      return fromJson(RecordEventsResponseSchema, answer).results;
    },
    async list(correlationId) {
      const listed: JsonObject[] = [];
      let pageToken = "";
      do {
        const query = { filter: { correlation_id: correlationId }, order_by: "chain_position", page_size: 100 };
        const answer = await bufCurl(address, "ListEvents", { ...query, page_token: pageToken });
        const page = fromJson(ListEventsResponseSchema, answer);
        listed.push(...page.events.map(protobufJsonOf));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      return listed;
    },
    close() {},
  };
}
