import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { answerOf, callRaw, connectRaw, envelopeHead } from "./raw_http2.ts";
import { failure, MIB, obligingAudit, startTestServer } from "./support.ts";

const RESOURCE_EXHAUSTED = String(Code.ResourceExhausted);
const INVALID_ARGUMENT = String(Code.InvalidArgument);

describe("a message that is too large", () => {
  it("is refused at once when 4 GiB are declared, in a unary call and in a stream, and nothing is reserved", async () => {
    const server = await startTestServer(obligingAudit);
    const session = await connectRaw(server.url);
    const before = process.memoryUsage();
    for (const method of ["RecordEvents", "IngestEvents"]) {
      const call = callRaw(session, method);
      call.write(envelopeHead(0xffffffff));
      const { status, message, resetCode } = await answerOf(call);
      assert.equal(status, RESOURCE_EXHAUSTED);
      assert.match(message ?? "", /limit of 4194304 bytes/);
      assert.equal(resetCode, 0);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before.arrayBuffers < 64 * MIB);
    assert.equal(server.requestBytes(), 0);
    session.close();
    await server.close({ timeoutMs: 5000 });
  });

  const transports = {
    gRPC: createGrpcTransport,
    "gRPC-Web over HTTP/1.1": (options: { baseUrl: string }) =>
      createGrpcWebTransport({ ...options, httpVersion: "1.1" }),
    "Connect over HTTP/1.1": (options: { baseUrl: string }) =>
      createConnectTransport({ ...options, httpVersion: "1.1" }),
    "Connect over HTTP/2": (options: { baseUrl: string }) => createConnectTransport({ ...options, httpVersion: "2" }),
  };
  for (const [name, transport] of Object.entries(transports)) {
    it(`is refused in ${name}, with the limit, before and after compression`, async () => {
      const server = await startTestServer(obligingAudit, { maxRequestBytes: MIB });
      for (const text of ["x".repeat(MIB + 1), "x".repeat(8 * MIB)]) {
        const client = createClient(AuditService, transport({ baseUrl: server.url }));
        const error = await failure(client.recordEvents({ events: [{ correlationId: text }] }));
        assert.equal(error.code, Code.ResourceExhausted);
        const [info] = error.findDetails(ErrorInfoSchema);
        assert.equal(info?.reason, "MESSAGE_TOO_LARGE");
        assert.equal(info?.metadata["max_bytes"], String(MIB));
        assert.equal(error.findDetails(RetryInfoSchema).length, 1);
      }
      await server.close({ timeoutMs: 5000 });
    });
  }

  it("is refused over HTTP/1.1 to a client that listens only when it has sent everything", async () => {
    const server = await startTestServer(obligingAudit, { maxRequestBytes: MIB });
    const socket = connect(server.address.port, "127.0.0.1");
    socket.write("POST /kubernaut.audit.v1.AuditService/RecordEvents HTTP/1.1\r\nhost: a\r\n");
    socket.write(`content-type: application/proto\r\ncontent-length: ${32 * MIB}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.write(Buffer.alloc(32 * MIB), (error) => (error ? reject(error) : resolve()));
    });
    let answer = "";
    for await (const bytes of socket) answer += bytes;
    assert.match(answer, /^HTTP\/1\.1 429 .*connection: close.*limit of 1048576 bytes/is);
    await server.close({ timeoutMs: 5000 });
  });

  it("is refused when it only becomes so by decompression", async () => {
    const server = await startTestServer(obligingAudit, { maxRequestBytes: MIB });
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    const session = await connectRaw(server.url);
    const call = callRaw(session, "RecordEvents", { "grpc-encoding": "gzip" });
    call.write(envelopeHead(bomb.byteLength, 1));
    call.end(bomb);
    const { status, message } = await answerOf(call);
    assert.equal(status, RESOURCE_EXHAUSTED);
    assert.match(message ?? "", /limit of 1048576 bytes/);
    session.close();
    const response = await fetch(`${server.url}/kubernaut.audit.v1.AuditService/RecordEvents`, {
      method: "POST",
      headers: { "content-type": "application/proto", "content-encoding": "gzip" },
      body: bomb,
    });
    assert.equal(response.status, 429);
    await server.close({ timeoutMs: 5000 });
  });

  it("does not end the connection for other calls", async () => {
    const server = await startTestServer(obligingAudit, { maxRequestBytes: MIB });
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    await failure(client.recordEvents({ events: [{ correlationId: "x".repeat(2 * MIB) }] }));
    assert.equal((await client.recordEvents({ events: [{ eventId: "a" }] })).results.length, 1);
    await server.close({ timeoutMs: 5000 });
  });
});

describe("a message that is malformed", () => {
  it("is INVALID_ARGUMENT, never INTERNAL, and not in the log", async () => {
    const server = await startTestServer(obligingAudit);
    const session = await connectRaw(server.url);
    const garbage = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]);
    const million = Buffer.alloc(4 * MIB - 2, Buffer.from([0x0a, 0x00]));
    const zipped = gzipSync(million);
    const cases: [string, Buffer, Record<string, string>][] = [
      ["bytes that are no protobuf", Buffer.concat([envelopeHead(5), garbage]), {}],
      ["a message cut off", Buffer.concat([envelopeHead(50), garbage]), {}],
      ["half an envelope", Buffer.from([0, 0]), {}],
      ["compressed without saying how", Buffer.concat([envelopeHead(5, 1), garbage]), {}],
      ["gzip that is none", Buffer.concat([envelopeHead(5, 1), garbage]), { "grpc-encoding": "gzip" }],
      ["JSON that is none", Buffer.concat([envelopeHead(5), garbage]), { "content-type": "application/grpc+json" }],
      ["a timeout that is none", envelopeHead(0), { "grpc-timeout": "soon" }],
      ["two million empty events", Buffer.concat([envelopeHead(million.byteLength), million]), {}],
      ["the same compressed", Buffer.concat([envelopeHead(zipped.byteLength, 1), zipped]), { "grpc-encoding": "gzip" }],
    ];
    for (const [name, body, headers] of cases) {
      for (const method of ["RecordEvents", "IngestEvents"]) {
        const call = callRaw(session, method, headers);
        call.end(body);
        assert.equal((await answerOf(call)).status, INVALID_ARGUMENT, `${name} to ${method}`);
      }
    }
    session.close();
    const headers = { "content-type": "application/json" };
    const path = `${server.url}/kubernaut.audit.v1.AuditService/RecordEvents`;
    const response = await fetch(path, { method: "POST", headers, body: '{"events":' });
    assert.equal(response.status, 400);
    const { details } = (await response.json()) as { details: { type: string }[] };
    assert.ok(details.some(({ type }) => type === BadRequestSchema.typeName));
    assert.deepEqual(
      server.logs.filter(({ level }) => (level as number) >= 40),
      [],
    );
    await server.close({ timeoutMs: 5000 });
  });
});

describe("the memory for requests", () => {
  it("refuses a single message that finds no room, with RetryInfo, and takes it over another connection or later", async () => {
    const release = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    let held = 0;
    const server = await startTestServer(
      {
        recordEvents: async () => {
          held += 1;
          if (held === 2) full.resolve();
          await release.promise;
          return {};
        },
      },
      { maxRequestBytes: MIB, requestMemoryBytes: 4 * MIB },
    );
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    const events = [{ correlationId: "x".repeat(0.9 * MIB) }];
    const taken = [client.recordEvents({ events }), client.recordEvents({ events })];
    await full.promise;
    const refused = await failure(client.recordEvents({ events }));
    assert.equal(refused.code, Code.ResourceExhausted);
    assert.equal(refused.findDetails(ErrorInfoSchema)[0]?.reason, "REQUEST_MEMORY_EXHAUSTED");
    assert.equal(refused.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds, 1n);
    const another = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    taken.push(another.recordEvents({ events }));
    release.resolve();
    await Promise.all(taken);
    await client.recordEvents({ events });
    await server.close({ timeoutMs: 5000 });
    assert.equal(server.requestBytes(), 0);
  });

  it("holds back streams that find no room, and lets them go on in the end", async () => {
    const hold = new AbortController();
    const firstReading = Promise.withResolvers<void>();
    let reading = 0;
    const server = await startTestServer(
      {
        async *ingestEvents(requests) {
          for await (const { batchNumber } of requests) {
            reading += 1;
            if (reading === 1) firstReading.resolve();
            if (!hold.signal.aborted) await once(hold.signal, "abort");
            yield { batchNumber };
          }
        },
      },
      { maxRequestBytes: MIB, requestMemoryBytes: 4 * MIB },
    );
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    const ingest = async () => {
      const answered: bigint[] = [];
      async function* batches() {
        for (const batchNumber of [1n, 2n, 3n])
          yield { batchNumber, events: [{ correlationId: "x".repeat(0.8 * MIB) }] };
      }
      for await (const { batchNumber } of client.ingestEvents(batches())) answered.push(batchNumber);
      return answered;
    };
    const streams = [ingest(), ingest(), ingest()];
    await firstReading.promise;
    assert.ok(server.requestBytes() <= 4 * MIB);
    assert.equal(reading, 1);
    hold.abort();
    assert.deepEqual(await Promise.all(streams), Array(3).fill([1n, 2n, 3n]));
    await server.close({ timeoutMs: 5000 });
    assert.equal(server.requestBytes(), 0);
  });
});

describe("an HTTP/2 connection with many streams", () => {
  const windows = { streamWindowBytes: 256 * 1024, connectionWindowBytes: MIB };

  it("is told smaller windows as they become many, and larger ones when they have ended", async () => {
    const server = await startTestServer(obligingAudit, windows);
    const session = await connectRaw(server.url);
    assert.equal(session.remoteSettings.initialWindowSize, 256 * 1024);
    const told = (bytes: number) =>
      new Promise<void>((resolve) => {
        session.on("remoteSettings", ({ initialWindowSize }) => initialWindowSize === bytes && resolve());
      });
    const shrunk = told(64 * 1024);
    const calls = Array.from({ length: 16 }, () => callRaw(session, "IngestEvents"));
    await shrunk;
    const grown = told(256 * 1024);
    for (const call of calls) call.close();
    await grown;
    session.close();
    await server.close({ timeoutMs: 5000 });
  });

  it("cannot make the server keep more than a connection may while nobody reads", async () => {
    const server = await startTestServer(
      {
        async *ingestEvents(_, { signal }) {
          if (!signal.aborted) await once(signal, "abort");
          yield {};
        },
      },
      windows,
    );
    const session = await connectRaw(server.url);
    const shrunk = new Promise<void>((resolve) => {
      session.on("remoteSettings", ({ initialWindowSize }) => initialWindowSize === 64 * 1024 && resolve());
    });
    const calls = Array.from({ length: 16 }, () => callRaw(session, "IngestEvents"));
    await shrunk;
    for (const call of calls) call.write(Buffer.alloc(MIB));
    const sent = await settled(session, () => session.socket.bytesWritten);
    assert.ok(sent > 0.9 * MIB && sent < 1.1 * MIB, `${sent} bytes`);
    session.destroy();
    await server.close({ timeoutMs: 5000 });
  });
});

/** A number of bytes that no longer grows by more than the PINGs that go to and fro. */
async function settled(session: ClientHttp2Session, bytes: () => number): Promise<number> {
  for (let [last, still] = [bytes(), 0]; ; ) {
    await new Promise((resolve) => session.ping(resolve));
    const now = bytes();
    still = now - last < 100 ? still + 1 : 0;
    if (still === 5) return now;
    last = now;
  }
}

describe("connections", () => {
  it("are refused beyond the limit, and counted", async () => {
    const counts: number[] = [];
    const server = await startTestServer(obligingAudit, {
      maxConnections: 2,
      onConnections: (count) => counts.push(count),
    });
    const sessions = [await connectRaw(server.url), await connectRaw(server.url)];
    await assert.rejects(Promise.race([connectRaw(server.url), refusal(server.url)]));
    assert.equal(counts.at(-1), 2);
    await server.logged("connections were refused");
    for (const session of sessions) session.close();
    await server.close({ timeoutMs: 5000 });
    assert.equal(counts.at(-1), 0);
  });
});

async function refusal(url: string): Promise<never> {
  const { connect } = await import("node:http2");
  const session = connect(url);
  const [error] = await Promise.race([once(session, "error"), once(session, "close")]);
  throw error ?? new Error("closed");
}
