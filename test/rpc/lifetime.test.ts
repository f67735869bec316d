import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { credentials, Client as GrpcClient } from "@grpc/grpc-js";
import { ErrorInfoSchema, RetryInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/ts/health/v1/health_pb.ts";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { answerOf, callRaw, connectRaw, envelopeHead } from "./raw_http2.ts";
import { failure, obligingAudit, startTestServer } from "./support.ts";

const NO_ERROR = 0;
const OK = "0";

async function goaway(session: ClientHttp2Session): Promise<number> {
  const [code] = (await once(session, "goaway")) as [number];
  return code;
}

/** GetServiceInfo that begins, and answers when the test says so. */
function heldCall() {
  const begun = Promise.withResolvers<AbortSignal>();
  const answer = Promise.withResolvers<void>();
  const audit = {
    getServiceInfo: async (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
      begun.resolve(signal);
      await answer.promise;
      return { version: "held" };
    },
  };
  return { audit, begun: begun.promise, answer: () => answer.resolve() };
}

describe("an orderly shutdown", () => {
  it("asks every client to go, lets calls under way end, and accepts no more", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit);
    const idle = await connectRaw(server.url);
    const busy = await connectRaw(server.url);
    const call = callRaw(busy, "GetServiceInfo");
    call.end(envelopeHead(0));
    const answered = answerOf(call);
    await held.begun;
    const told = Promise.all([goaway(idle), goaway(busy)]);
    const idleClosed = once(idle, "close");
    const closed = server.close({ timeoutMs: 60_000 });
    assert.deepEqual(await told, [NO_ERROR, NO_ERROR]);
    await idleClosed;
    await assert.rejects(once(connect(server.address.port, "127.0.0.1"), "connect"), /ECONNREFUSED/);
    held.answer();
    assert.equal((await answered).status, OK);
    await closed;
    assert.equal(busy.closed, true);
  });

  it("ends HTTP/1.1 connections: idle ones at once, others after their answer", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit);
    const idle = connect(server.address.port, "127.0.0.1");
    idle.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(idle, "data");
    const headers = { "content-type": "application/json" };
    const path = `${server.url}/kubernaut.audit.v1.AuditService/GetServiceInfo`;
    const call = fetch(path, { method: "POST", headers, body: "{}" });
    await held.begun;
    const idleClosed = once(idle.resume(), "close");
    const closed = server.close({ timeoutMs: 60_000 });
    await idleClosed;
    held.answer();
    const response = await call;
    assert.equal(response.headers.get("connection"), "close");
    assert.deepEqual(await response.json(), { version: "held" });
    await closed;
  });

  it("lets streams of batches settle what they have, and ends with UNAVAILABLE those that the client has not ended", async () => {
    const server = await startTestServer(obligingAudit);
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    const more = Promise.withResolvers<void>();
    async function* batches() {
      yield { batchNumber: 1n, events: [{}] };
      await more.promise;
    }
    const answers = client.ingestEvents(batches())[Symbol.asyncIterator]();
    assert.equal((await answers.next()).value?.batchNumber, 1n);
    const closed = server.close({ timeoutMs: 60_000 });
    assert.equal((await failure(answers.next())).code, Code.Unavailable);
    more.resolve();
    await closed;
    await server.called(({ method, code }) => method.endsWith("/IngestEvents") && code === "UNAVAILABLE");
  });

  for (const httpVersion of ["1.1", "2"] as const) {
    it(`tells who watches health over HTTP/${httpVersion} NOT_SERVING, and ends the watch with UNAVAILABLE`, async () => {
      const server = await startTestServer(obligingAudit);
      const client = createClient(Health, createConnectTransport({ baseUrl: server.url, httpVersion }));
      const seen: Status[] = [];
      let closed: Promise<void> | undefined;
      const watching = (async () => {
        for await (const { status } of client.watch({ service: "" })) {
          seen.push(status);
          closed ??= server.close({ timeoutMs: 60_000 });
        }
      })();
      assert.equal((await failure(watching)).code, Code.Unavailable);
      assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING]);
      await closed;
    });
  }

  it("ends an HTTP/1.1 connection after an answer that had begun by promising to keep it", async () => {
    const server = await startTestServer(obligingAudit);
    const headers = { "content-type": "application/connect+json" };
    const body = Buffer.concat([envelopeHead(2), Buffer.from("{}")]);
    const response = await fetch(`${server.url}/grpc.health.v1.Health/Watch`, { method: "POST", headers, body });
    assert.equal(response.headers.get("connection"), "keep-alive");
    await Promise.all([response.text(), server.close({ timeoutMs: 60_000 })]);
  });

  it("cuts off what is left after its bound, and says UNAVAILABLE with RetryInfo where the handler listens", async () => {
    const begun = Promise.withResolvers<void>();
    const server = await startTestServer({
      getServiceInfo: async (_, { signal }) => {
        begun.resolve();
        if (!signal.aborted) await once(signal, "abort");
        throw signal.reason;
      },
    });
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    const failing = failure(client.getServiceInfo({}));
    await begun.promise;
    await server.close({ timeoutMs: 10 });
    const error = await failing;
    assert.equal(error.code, Code.Unavailable);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "SHUTTING_DOWN");
    assert.equal(error.findDetails(RetryInfoSchema).length, 1);
  });

  it("is not held up by a handler that never ends, nor by a client that never goes", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit);
    const session = await connectRaw(server.url);
    const call = callRaw(session, "GetServiceInfo");
    call.end(envelopeHead(0));
    await held.begun;
    const unfinished = callRaw(session, "RecordEvents");
    unfinished.write(envelopeHead(1000));
    await Promise.all([server.close({ timeoutMs: 10 }), once(session, "close")]);
    assert.equal(server.requestBytes(), 0);
    held.answer();
  });

  it("waits for handlers whose callers have gone", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit);
    const session = await connectRaw(server.url);
    const call = callRaw(session, "GetServiceInfo");
    call.end(envelopeHead(0));
    const signal = await held.begun;
    session.destroy();
    if (!signal.aborted) await once(signal, "abort");
    let closed = false;
    const closing = server.close({ timeoutMs: 60_000 }).then(() => {
      closed = true;
    });
    await assert.rejects(once(connect(server.address.port, "127.0.0.1"), "connect"), /ECONNREFUSED/);
    assert.equal(closed, false);
    held.answer();
    await closing;
  });
});

describe("a connection at its age", () => {
  it("is asked to go, and its calls may end", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit, { maxConnectionAgeMs: 50 });
    const session = await connectRaw(server.url);
    const told = goaway(session);
    const call = callRaw(session, "GetServiceInfo");
    call.end(envelopeHead(0));
    const answered = answerOf(call);
    assert.equal(await told, NO_ERROR);
    held.answer();
    assert.equal((await answered).status, OK);
    await once(session, "close");
    await server.close({ timeoutMs: 5000 });
  });

  it("is closed when its grace is over", async () => {
    const held = heldCall();
    const server = await startTestServer(held.audit, { maxConnectionAgeMs: 20, maxConnectionAgeGraceMs: 20 });
    const session = await connectRaw(server.url);
    const call = callRaw(session, "GetServiceInfo");
    call.end(envelopeHead(0));
    await once(session, "close");
    held.answer();
    await server.close({ timeoutMs: 5000 });
  });

  it("fails no client that makes one call after another", async () => {
    const counts: number[] = [];
    const onConnections = (count: number) => counts.push(count);
    const server = await startTestServer(obligingAudit, { maxConnectionAgeMs: 10, onConnections });
    const connect = createClient(AuditService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
    const grpc = new GrpcClient(`127.0.0.1:${server.address.port}`, credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const calls = {
      "HTTP/1.1": () => connect.getServiceInfo({}),
      // A call that crosses GOAWAY on its way is refused unseen, and gRPC clients send it again by themselves.
      "HTTP/2": () =>
        new Promise<void>((resolve, reject) => {
          const path = "/kubernaut.audit.v1.AuditService/GetServiceInfo";
          const answered = (error: Error | null) => (error === null ? resolve() : reject(error));
          grpc.makeUnaryRequest(path, same, same, Buffer.alloc(0), answered);
        }),
    };
    for (const call of Object.values(calls)) {
      const before = counts.length;
      while (counts.length < before + 10) await call();
    }
    grpc.close();
    await server.close({ timeoutMs: 5000 });
  });
});

describe("keepalive", () => {
  it("closes the connection of a peer that has fallen silent, and no other", async () => {
    const gone = Promise.withResolvers<void>();
    let both = false;
    const server = await startTestServer(obligingAudit, {
      keepaliveIntervalMs: 30,
      keepaliveTimeoutMs: 30,
      onConnections: (count) => {
        if (both && count === 1) gone.resolve();
        both = count === 2;
      },
    });
    const sockets: Socket[] = [];
    let silenced = false;
    const network = createServer((client) => {
      const upstream = connect(server.address.port, "127.0.0.1");
      sockets.push(client, upstream);
      client.on("data", (bytes) => silenced || upstream.write(bytes));
      upstream.on("data", (bytes) => client.write(bytes));
    }).listen(0);
    await once(network, "listening");
    const { port } = network.address() as { port: number };
    const dead = await connectRaw(`http://127.0.0.1:${port}`);
    const alive = await connectRaw(server.url);
    const call = callRaw(alive, "IngestEvents");
    call.write(envelopeHead(0));
    await once(dead, "ping");
    silenced = true;
    await gone.promise;
    for (let pings = 0; pings < 3; pings += 1) await once(alive, "ping");
    assert.equal(alive.closed, false);
    call.end();
    assert.equal((await answerOf(call)).status, OK);
    for (const socket of sockets) socket.destroy();
    network.close();
    alive.close();
    await server.close({ timeoutMs: 5000 });
  });
});

describe("a deadline", () => {
  it("ends the call with DEADLINE_EXCEEDED where the handler listens to its signal", async () => {
    const left: (number | undefined)[] = [];
    const server = await startTestServer({
      getServiceInfo: async (_, { signal, timeoutMs }) => {
        left.push(timeoutMs());
        if (!signal.aborted) await once(signal, "abort");
        throw new DOMException("the statement was cancelled", "AbortError");
      },
    });
    const session = await connectRaw(server.url);
    const call = callRaw(session, "GetServiceInfo", { "grpc-timeout": "20m" });
    call.end(envelopeHead(0));
    assert.equal((await answerOf(call)).status, String(Code.DeadlineExceeded));
    assert.ok((left[0] ?? Infinity) <= 20);
    session.close();
    await server.close({ timeoutMs: 5000 });
  });

  it("ends a stream that is waiting for its client", async () => {
    const server = await startTestServer(obligingAudit);
    const session = await connectRaw(server.url);
    for (const method of ["IngestEvents", "RecordEvents"]) {
      const call = callRaw(session, method, { "grpc-timeout": "20m" });
      call.write(envelopeHead(100));
      assert.equal((await answerOf(call)).status, String(Code.DeadlineExceeded), method);
    }
    session.close();
    await server.close({ timeoutMs: 5000 });
  });

  it("is bounded for a single call, whatever the client says, and never fires at once for being far away", async () => {
    const left: (number | undefined)[] = [];
    const server = await startTestServer({
      getServiceInfo: (_, { timeoutMs }) => {
        left.push(timeoutMs());
        return {};
      },
    });
    const session = await connectRaw(server.url);
    for (const headers of [{}, { "grpc-timeout": "99999999H" }]) {
      const call = callRaw(session, "GetServiceInfo", headers);
      call.end(envelopeHead(0));
      assert.equal((await answerOf(call)).status, OK);
    }
    for (const ms of left) assert.ok((ms ?? 0) > 590_000 && (ms ?? 0) <= 600_000, `${ms} ms`);
    session.close();
    await server.close({ timeoutMs: 5000 });
  });
});
