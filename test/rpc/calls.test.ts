import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { ErrorInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { Fault } from "../../src/fault.ts";
import { answerOf, callRaw, connectRaw, envelopeHead } from "./raw_http2.ts";
import { failure, MIB, obligingAudit, startTestServer } from "./support.ts";

describe("authorize", () => {
  it("is asked for every call in every protocol, with the principal and the method", async () => {
    const asked: string[] = [];
    const server = await startTestServer(obligingAudit, {
      authorize: ({ name }, method) => {
        asked.push(`${name} ${method.name}`);
      },
    });
    for (const transport of [
      createGrpcTransport({ baseUrl: server.url }),
      createGrpcWebTransport({ baseUrl: server.url, httpVersion: "1.1" }),
      createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }),
    ]) {
      const client = createClient(AuditService, transport);
      await client.getServiceInfo({});
    }
    assert.deepEqual(asked, Array(3).fill("anonymous GetServiceInfo"));
    await server.close({ timeoutMs: 5000 });
  });

  it("refuses with PERMISSION_DENIED before a byte of the request is read", async () => {
    const server = await startTestServer(obligingAudit, {
      authorize: () => {
        throw new Fault("denied", "gateway may not record", { reason: "NOT_ALLOWED" });
      },
    });
    const session = await connectRaw(server.url);
    for (const method of ["RecordEvents", "IngestEvents"]) {
      const call = callRaw(session, method);
      call.write(envelopeHead(MIB));
      const { status, message } = await answerOf(call);
      assert.equal(status, String(Code.PermissionDenied));
      assert.equal(message, "gateway may not record");
    }
    session.close();
    const client = createClient(AuditService, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
    const error = await failure(client.recordEvents({ events: [{}] }));
    assert.equal(error.code, Code.PermissionDenied);
    assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, "NOT_ALLOWED");
    await server.close({ timeoutMs: 5000 });
  });
});

describe("a defect in a handler", () => {
  it("is INTERNAL with an id, and the log has its cause under that id, in unary calls and in streams", async () => {
    const server = await startTestServer({
      getServiceInfo: () => {
        throw new TypeError("SELECT secret");
      },
      async *ingestEvents() {
        yield {};
        throw new TypeError("SELECT secret");
      },
    });
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    const stream = async () => {
      for await (const _ of client.ingestEvents((async function* () {})()));
    };
    for (const call of [() => client.getServiceInfo({}), stream]) {
      const error = await failure(call());
      assert.equal(error.code, Code.Internal);
      assert.doesNotMatch(error.rawMessage, /SELECT/);
      const id = error.findDetails(ErrorInfoSchema)[0]?.metadata["error_id"];
      const line = server.logs.find(({ error_id }) => error_id === id);
      assert.match(JSON.stringify(line), /SELECT secret.*calls\.test\.ts/);
      assert.match(String(line?.["rpc"]), /^kubernaut\.audit\.v1\.AuditService\//);
    }
    await server.close({ timeoutMs: 5000 });
  });

  it("is INTERNAL for an answer that is too large to leave", async () => {
    const server = await startTestServer({ getServiceInfo: () => ({ version: "x".repeat(5 * MIB) }) });
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    assert.equal((await failure(client.getServiceInfo({}))).code, Code.Internal);
    assert.equal(server.logs.filter(({ level }) => level === 50).length, 1);
    await server.close({ timeoutMs: 5000 });
  });
});

describe("the trace of a call", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  before(() => provider.register());
  after(async () => {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  });

  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };

  it("continues its caller's, and is active in the handler, between the messages of a stream too", async () => {
    const active: (Span | undefined)[] = [];
    const server = await startTestServer(
      {
        getServiceInfo: async () => {
          await Promise.resolve();
          active.push(trace.getActiveSpan());
          return {};
        },
        getEvent: () => {
          throw new TypeError("a defect");
        },
        async *ingestEvents(requests) {
          for await (const { batchNumber } of requests) {
            active.push(trace.getActiveSpan());
            yield { batchNumber };
          }
        },
      },
      { telemetry: { tracer: provider.getTracer("test"), recordCall: () => {} } },
    );
    const client = createClient(AuditService, createGrpcTransport({ baseUrl: server.url }));
    await client.getServiceInfo({}, { headers });
    async function* batches() {
      yield { batchNumber: 1n };
      yield { batchNumber: 2n };
    }
    for await (const _ of client.ingestEvents(batches(), { headers }));
    await failure(client.listEvents({}));
    await failure(client.getEvent({ eventId: "0190c3a6-7f5e-7cc3-98c4-dc0c0c07398f" }, { headers }));
    assert.equal(server.logs.find(({ msg }) => msg === "a defect ended a call")?.["trace_id"], traceId);
    await server.close({ timeoutMs: 5000 });
    assert.equal(active.length, 3);
    for (const span of active) assert.equal(span?.spanContext().traceId, traceId);
    const [unary, stream, unimplemented] = exporter.getFinishedSpans();
    assert.equal(unary?.name, "kubernaut.audit.v1.AuditService/GetServiceInfo");
    assert.equal(unary?.kind, SpanKind.SERVER);
    assert.equal(unary?.parentSpanContext?.spanId, "00f067aa0ba902b7");
    assert.equal(unary?.attributes["rpc.system.name"], "grpc");
    assert.equal(unary?.attributes["rpc.response.status_code"], "OK");
    assert.equal(stream?.spanContext().traceId, traceId);
    assert.notEqual(unimplemented?.spanContext().traceId, traceId);
    assert.equal(unimplemented?.attributes["rpc.response.status_code"], "UNIMPLEMENTED");
    assert.equal(unimplemented?.status.code, SpanStatusCode.ERROR);
  });
});
