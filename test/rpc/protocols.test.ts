import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { credentials, Client as GrpcClient, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import {
  AuditService,
  GetServiceInfoRequestSchema,
  GetServiceInfoResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { failure, obligingAudit, startTestServer, type TestServer } from "./support.ts";

type Speaker = (baseUrl: string) => Transport;

const speakers: Readonly<Record<string, Speaker>> = {
  "gRPC over HTTP/2": (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC with JSON": (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  "gRPC-Web over HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  "gRPC-Web over HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect over HTTP/2": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" }),
  "Connect over HTTP/1.1": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect with JSON": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
};

describe("one port in plain text", () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer(obligingAudit);
  });
  after(() => server.close({ timeoutMs: 5000 }));

  for (const [name, transport] of Object.entries(speakers)) {
    it(`answers ${name}`, async () => {
      const client = createClient(AuditService, transport(server.url));
      const { results } = await client.recordEvents({ events: [{ eventId: "a" }, { eventId: "b" }] });
      assert.deepEqual(
        results.map(({ eventId }) => eventId),
        ["a", "b"],
      );
    });

    it(`tells what is wrong in ${name}`, async () => {
      const client = createClient(AuditService, transport(server.url));
      const error = await failure(client.listEvents({ pageSize: -1 }));
      assert.equal(error.code, Code.InvalidArgument);
      assert.equal(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field, "page_size");
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.domain, "kubernaut.ai");
    });

    it(`tells of what is not implemented in ${name}`, async () => {
      const client = createClient(AuditService, transport(server.url));
      const error = await failure(client.listEvents({}));
      assert.equal(error.code, Code.Unimplemented);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "UNIMPLEMENTED");
    });

    if (!name.includes("1.1") && name !== "Connect with JSON") {
      it(`streams both ways in ${name}`, async () => {
        const client = createClient(AuditService, transport(server.url));
        async function* batches() {
          for (const batchNumber of [1n, 2n, 3n]) yield { batchNumber, events: [{}, {}] };
        }
        const answers: bigint[] = [];
        for await (const { batchNumber, recorded } of client.ingestEvents(batches())) {
          assert.equal(recorded, 2);
          answers.push(batchNumber);
        }
        assert.deepEqual(answers, [1n, 2n, 3n]);
      });
    }
  }

  for (const sendCompression of [undefined, compressionGzip, compressionBrotli]) {
    const sent = sendCompression?.name;
    it(`compresses its answers for those who compress their requests: ${sent ?? "not at all"}`, async () => {
      const seen: (string | null)[] = [];
      const see: Interceptor = (next) => async (request) => {
        const response = await next(request);
        seen.push(...["grpc-encoding", "content-encoding"].map((name) => response.header.get(name)));
        return response;
      };
      const options = { baseUrl: server.url, interceptors: [see], ...(sendCompression && { sendCompression }) };
      const events = Array.from({ length: 100 }, (_, index) => ({ eventId: `event ${index}` }));
      for (const transport of [
        createGrpcTransport(options),
        createConnectTransport({ ...options, httpVersion: "1.1" }),
      ]) {
        const { results } = await createClient(AuditService, transport).recordEvents({ events });
        assert.equal(results.at(-1)?.eventId, "event 99");
      }
      // Of what they accept, the client's first choice.
      const answered = sent === undefined ? null : "gzip";
      assert.deepEqual(seen, [answered, null, null, answered]);
    });
  }

  it("answers a plain gRPC client", async () => {
    const client = new GrpcClient(`127.0.0.1:${server.address.port}`, credentials.createInsecure());
    const { version } = await new Promise<{ version: string }>((resolve, reject) => {
      client.makeUnaryRequest(
        "/kubernaut.audit.v1.AuditService/GetServiceInfo",
        (message: Parameters<typeof toBinary<typeof GetServiceInfoRequestSchema>>[1]) =>
          Buffer.from(toBinary(GetServiceInfoRequestSchema, message)),
        (bytes) => fromBinary(GetServiceInfoResponseSchema, bytes),
        { $typeName: "kubernaut.audit.v1.GetServiceInfoRequest" },
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
    assert.equal(version, "test");
    client.close();
  });

  it("says UNIMPLEMENTED for a method that does not exist, in each protocol's own way", async () => {
    const client = new GrpcClient(`127.0.0.1:${server.address.port}`, credentials.createInsecure());
    const error = await new Promise<ServiceError | null>((resolve) => {
      const same = (bytes: Buffer) => bytes;
      client.makeUnaryRequest("/kubernaut.audit.v1.AuditService/Nope", same, same, Buffer.alloc(0), resolve);
    });
    assert.equal(error?.code, status.UNIMPLEMENTED);
    assert.equal(error?.details, "there is no method /kubernaut.audit.v1.AuditService/Nope");
    client.close();
    const response = await fetch(`${server.url}/kubernaut.audit.v1.AuditService/Nope`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(response.status, 501);
    assert.equal(((await response.json()) as { code: string }).code, "unimplemented");
    await server.called(({ method, code }) => method === "_OTHER" && code === "UNIMPLEMENTED");
  });

  it("refuses what is no call, without an error in the log", async () => {
    assert.equal((await fetch(`${server.url}/favicon.ico`)).status, 404);
    assert.equal((await fetch(`${server.url}/kubernaut.audit.v1.AuditService/GetServiceInfo`)).status, 405);
    const text = { method: "POST", headers: { "content-type": "text/plain" }, body: "hello" };
    assert.equal((await fetch(`${server.url}/kubernaut.audit.v1.AuditService/GetServiceInfo`, text)).status, 415);
    assert.deepEqual(
      server.logs.filter(({ level }) => (level as number) >= 40),
      [],
    );
  });

  it("lets no page of another origin call it", async () => {
    const response = await fetch(`${server.url}/kubernaut.audit.v1.AuditService/RecordEvents`, {
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  });

  it("survives a Host that is none", async () => {
    const path = "/kubernaut.audit.v1.AuditService/GetServiceInfo";
    const headers = { host: "a b", "content-type": "application/json" };
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const { port } = server.address;
      const sent = request({ port, path, method: "POST", headers }, (answer) => resolve(answer.resume().statusCode));
      sent.on("error", reject).end("{}");
    });
    assert.equal(answered, 400);
  });

  it("counts each call once, with its protocol and code", async () => {
    const client = createClient(AuditService, createGrpcWebTransport({ baseUrl: server.url, httpVersion: "1.1" }));
    await failure(client.getEvent({ eventId: "no uuid" }));
    const method = "kubernaut.audit.v1.AuditService/GetEvent";
    await server.called((call) => call.method === method);
    assert.deepEqual(
      server.calls.filter((call) => call.method === method),
      [{ method, protocol: "grpc-web", code: "INVALID_ARGUMENT" }],
    );
  });
});
