// The service as programs of the Go world see it: a client on generated stubs, grpcurl, grpc_health_probe.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fromJson, type JsonObject } from "@bufbuild/protobuf";
import { AuditService, ListEventsResponseSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { run, runToEnd } from "./command.ts";
import { type Endpoint, startEndpoint } from "./endpoint.ts";
import { type GoPrograms, goPrograms } from "./go.ts";
import { assertWhole, protobufJsonOf, type RecordedEvent, toProtobufJson } from "./recording.ts";
import { assertSpeaks } from "./report.ts";
import { recordings, sample } from "./sample.ts";
import { suite } from "./suite.ts";

const found = await goPrograms();

suite("programs built with Go", typeof found === "string" ? found : undefined, () => {
  const programs = found as GoPrograms;
  let endpoint: Endpoint;
  before(async () => {
    endpoint = await startEndpoint("go");
  });
  after(() => endpoint?.close());

  for (const recording of recordings) {
    test(`a client on generated stubs records, streams and lists ${recording.name}`, async () => {
      await assertSpeaks([await programs.client()], endpoint.address, recording);
    });
  }

  const grpcurl = (...args: string[]) => run(programs.grpcurl, ["-plaintext", ...args]);

  test("grpcurl lists what the service serves", async () => {
    assert.deepEqual(linesOf(await grpcurl(endpoint.address, "list")), [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "kubernaut.audit.v1.AuditService",
      "kubernaut.audit.v1.DeadLetterService",
      "kubernaut.audit.v1.IntegrityService",
      "kubernaut.catalog.v1.CatalogService",
      "kubernaut.reconstruction.v1.ReconstructionService",
    ]);
    assert.deepEqual(
      linesOf(await grpcurl(endpoint.address, "list", "kubernaut.audit.v1.AuditService")),
      AuditService.methods.map((method) => `kubernaut.audit.v1.AuditService.${method.name}`).sort(),
    );
  });

  test("grpcurl describes the contract, its rules and what it imports", async () => {
    const describe = (symbol: string) => grpcurl(endpoint.address, "describe", symbol);
    assert.match(
      await describe("kubernaut.audit.v1.GetEventRequest"),
      /event_id = 1 \[\(\.buf\.validate\.field\).*uuid: true/,
    );
    assert.match(await describe("kubernaut.audit.v1.AuditService.IngestEvents"), /\( stream \..*returns \( stream \./);
    assert.match(await describe("google.rpc.BadRequest"), /repeated \.google\.rpc\.BadRequest\.FieldViolation/);
    assert.match(await describe("google.protobuf.Struct"), /map<string, \.google\.protobuf\.Value>/);
    assert.match(await describe("buf.validate.FieldRules"), /is a message/);
  });

  test("grpcurl records an event, finds it, and shows why an empty batch is refused", async () => {
    const call = (method: string, request: JsonObject) =>
      runToEnd(
        programs.grpcurl,
        ["-plaintext", "-d", "@", endpoint.address, `kubernaut.audit.v1.AuditService/${method}`],
        { input: JSON.stringify(request) },
      );
    const [event] = sample.events as [RecordedEvent];
    const sent = { ...event, event_id: crypto.randomUUID(), correlation_id: "rr-grpcurl" };
    const recorded = await call("RecordEvents", { events: [toProtobufJson(sent)] });
    assert.equal(JSON.parse(recorded.stdout).results[0].outcome, "RECORD_OUTCOME_RECORDED", recorded.stderr);
    const listed = await call("ListEvents", { filter: { correlation_id: sent.correlation_id } });
    assertWhole(fromJson(ListEventsResponseSchema, JSON.parse(listed.stdout)).events.map(protobufJsonOf), [sent]);

    const refused = await call("RecordEvents", { events: [] });
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /Code: InvalidArgument\n\s*Message: events: must contain at least 1 item\(s\)/);
    assert.match(refused.stderr, /google\.rpc\.BadRequest.*"description": "must contain at least 1 item\(s\)"/s);
  });

  test("grpc_health_probe finds the server and each service serving, and an unknown one not", async () => {
    const probe = (...args: string[]) => runToEnd(programs.healthProbe, ["-addr", endpoint.address, ...args]);
    for (const args of [[], ["-service", "kubernaut.audit.v1.AuditService"]]) {
      const { code, stderr } = await probe(...args);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /status: SERVING/);
    }
    const unknown = await probe("-service", "kubernaut.audit.v1.NoService");
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /code = NotFound/);
  });
});

function linesOf(text: string): string[] {
  return text.trim().split("\n");
}
