// The service as browsers, web programmes and people with a terminal reach it: gRPC-Web, Connect, and plain JSON over HTTP/1.1.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fromBinary, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { BadRequestSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  AuditService,
  ListEventsResponseSchema,
  RecordOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { DeadLetterService } from "../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { IntegrityService } from "../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { ReconstructionService } from "../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { bufCurl, listMethods } from "./buf_curl.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { assertWhole, batchesOf, protobufJsonOf, type RecordedEvent, toMessage, toProtobufJson } from "./recording.ts";
import { sample } from "./sample.ts";

let endpoint: Endpoint;
before(async () => {
  endpoint = await startEndpoint("web");
});
after(() => endpoint?.close());

/** The sample's events of one remediation, under ids and a name of the test's own. */
function remediation(name: string): RecordedEvent[] {
  const [first] = sample.events as [RecordedEvent];
  return sample.events
    .filter(({ correlation_id }) => correlation_id === first.correlation_id)
    .map((event) => ({ ...event, event_id: crypto.randomUUID(), correlation_id: name }));
}

/** How connect-node can speak to the service; `duplex`: a stream can be answered before it ends. */
const transports: Readonly<Record<string, { readonly duplex: boolean; create(baseUrl: string): Transport }>> = {
  "gRPC over HTTP/2": {
    duplex: true,
    create: (baseUrl) => createGrpcTransport({ baseUrl }),
  },
  "gRPC-Web over HTTP/1.1": {
    duplex: false,
    create: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  },
  "gRPC-Web over HTTP/2": {
    duplex: true,
    create: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  },
  "gRPC-Web in JSON": {
    duplex: false,
    create: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  },
  "Connect over HTTP/1.1": {
    duplex: false,
    create: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  },
  "Connect over HTTP/2": {
    duplex: true,
    create: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  },
  "Connect in JSON": {
    duplex: true,
    create: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
  },
};

describe("transports of connect-node", () => {
  for (const [name, { duplex, create }] of Object.entries(transports)) {
    test(`${name}: ${duplex ? "records, streams" : "records"}, lists and is refused`, async () => {
      const client = createClient(AuditService, create(endpoint.url));
      const events = remediation(`rr-${name.replaceAll(/[^a-z0-9]+/gi, "-")}`);
      const { results } = await client.recordEvents({ events: events.map((event) => toMessage(event, "struct")) });
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        events.map(() => RecordOutcome.RECORDED),
      );
      if (duplex) await assertStreamed(client, events);
      const filter = { correlationId: events[0]?.correlation_id ?? "" };
      const page = await client.listEvents({ filter, orderBy: "chain_position" });
      assertWhole(page.events.map(protobufJsonOf), events);

      const error = await client.recordEvents({ events: [] }).catch(ConnectError.from);
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.InvalidArgument);
      const [badRequest] = error.findDetails(BadRequestSchema);
      assert.equal(badRequest?.fieldViolations[0]?.description, "must contain at least 1 item(s)");
    });
  }
});

async function assertStreamed(
  client: ReturnType<typeof createClient<typeof AuditService>>,
  events: readonly RecordedEvent[],
): Promise<void> {
  const batches = batchesOf(events, 10).map((batch, index) => ({
    batchNumber: BigInt(index + 1),
    events: batch.map((event) => toMessage(event, "json")),
  }));
  const answers = await Array.fromAsync(client.ingestEvents(oneByOne(batches)));
  assert.deepEqual(
    answers.map(({ batchNumber, duplicates }) => [batchNumber, duplicates]),
    batches.map((batch) => [batch.batchNumber, batch.events.length]),
  );
}

async function* oneByOne<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

describe("plain JSON over HTTP/1.1", () => {
  const call = (method: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${endpoint.url}/kubernaut.audit.v1.AuditService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  test("records and lists with nothing but a JSON body", async () => {
    const events = remediation("rr-fetch");
    const recorded = await call("RecordEvents", JSON.stringify({ events: events.map(toProtobufJson) }));
    assert.equal(recorded.status, 200);
    const { results } = (await recorded.json()) as { results: { outcome: string; chainPosition: string }[] };
    assert.deepEqual(
      results.map(({ outcome, chainPosition }) => [outcome, chainPosition]),
      events.map((_, index) => ["RECORD_OUTCOME_RECORDED", String(index + 1)]),
    );
    const listed = await call("ListEvents", `{"filter": {"correlationId": "rr-fetch"}, "orderBy": "chain_position"}`);
    const page = fromJson(ListEventsResponseSchema, (await listed.json()) as JsonObject);
    assertWhole(page.events.map(protobufJsonOf), events);
  });

  test("says what is wrong, with the rule, as JSON", async () => {
    const response = await call("RecordEvents", "{}");
    assert.equal(response.status, 400);
    const error = (await response.json()) as {
      code: string;
      message: string;
      details: { type: string; value: string }[];
    };
    assert.deepEqual([error.code, error.message], ["invalid_argument", "events: must contain at least 1 item(s)"]);
    const badRequest = error.details.find(({ type }) => type === "google.rpc.BadRequest");
    const { fieldViolations } = fromBinary(BadRequestSchema, Buffer.from(badRequest?.value ?? "", "base64"));
    assert.equal(fieldViolations[0]?.description, "must contain at least 1 item(s)");
  });

  for (const [what, body] of [
    ["cut short", `{"events": [{"event_id": "`],
    ["of another shape", `{"events": "all"}`],
    ["with a time that is none", `{"events": [{"event_timestamp": "yesterday"}]}`],
    ["with a payload that is no object", `{"events": [{"event_data": [1]}]}`],
    ["that is no object", "[]"],
    ["that is empty", ""],
  ] as const) {
    test(`a body ${what} is the caller's fault, told as such`, async () => {
      const response = await call("RecordEvents", body);
      assert.equal(response.status, 400, await response.clone().text());
      assert.equal(((await response.json()) as { code: string }).code, "invalid_argument");
    });
  }

  test("answers what is no call as a web server would", async () => {
    assert.equal((await fetch(`${endpoint.url}/`)).status, 404);
    assert.equal((await fetch(`${endpoint.url}/kubernaut.audit.v1.AuditService/RecordEvents`)).status, 405);
    assert.equal((await call("RecordEvents", "<events/>", { "content-type": "application/xml" })).status, 415);
    assert.equal((await call("NoSuchMethod", "{}")).status, 501);
  });
});

describe("buf curl", () => {
  for (const protocol of ["grpc", "grpcweb", "connect"] as const) {
    test(`records over ${protocol}`, async () => {
      const events = remediation(`rr-buf-${protocol}`).map(toProtobufJson);
      const answer = (await bufCurl(endpoint.address, "RecordEvents", { events }, protocol)) as {
        results: JsonObject[];
      };
      assert.deepEqual(new Set(answer.results.map(({ outcome }) => outcome)), new Set(["RECORD_OUTCOME_RECORDED"]));
    });
  }

  for (const version of ["grpc-v1", "grpc-v1alpha"] as const) {
    test(`finds the methods by reflection ${version}`, async () => {
      const methods = await listMethods(endpoint.address, version);
      const expected = [
        AuditService,
        IntegrityService,
        DeadLetterService,
        CatalogService,
        ReconstructionService,
      ].flatMap((service) => service.methods.map(({ name }) => `${service.typeName}/${name}`));
      assert.deepEqual(methods.filter((method) => method.startsWith("kubernaut.")).sort(), expected.sort());
    });
  }
});
