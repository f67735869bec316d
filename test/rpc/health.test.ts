import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { ResourceInfoSchema } from "../../gen/ts/google/rpc/error_details_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/ts/health/v1/health_pb.ts";
import { AuditService } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { failure, obligingAudit, startTestServer, type TestServer } from "./support.ts";

const AUDIT = AuditService.typeName;

describe("grpc.health.v1", () => {
  let server: TestServer;
  let client: Client<typeof Health>;
  before(async () => {
    server = await startTestServer(obligingAudit);
    client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
  });
  after(() => server.close({ timeoutMs: 5000 }));

  it("tells of the server and of each service", async () => {
    assert.equal((await client.check({ service: "" })).status, Status.SERVING);
    assert.equal((await client.check({ service: AUDIT })).status, Status.SERVING);
    const { statuses } = await client.list({});
    assert.deepEqual(Object.keys(statuses).sort(), ["", AUDIT]);
  });

  it("answers NOT_FOUND for a service that is not there, and names it", async () => {
    const error = await failure(client.check({ service: "no.Such" }));
    assert.equal(error.code, Code.NotFound);
    assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, "no.Such");
  });

  it("says to a probe over HTTP/1.1 what it says to gRPC", async () => {
    const probe = createClient(Health, createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" }));
    assert.equal((await probe.check({})).status, Status.SERVING);
  });

  it("tells who watches of every change, once each, and of a service that appears", async () => {
    const abort = new AbortController();
    const seen: Status[] = [];
    const steps = [
      () => server.health.setStatus("late.Service", false),
      () => {
        server.health.setStatus("late.Service", false);
        server.health.setStatus(AUDIT, true);
        server.health.setStatus("late.Service", true);
      },
      () => abort.abort(),
    ];
    const watching = (async () => {
      for await (const { status } of client.watch({ service: "late.Service" }, { signal: abort.signal })) {
        seen.push(status);
        steps.shift()?.();
      }
    })();
    const error = await failure(watching);
    assert.equal(error.code, Code.Canceled);
    assert.deepEqual(seen, [Status.SERVICE_UNKNOWN, Status.NOT_SERVING, Status.SERVING]);
    await server.called(({ method, code }) => method.endsWith("/Watch") && code === "CANCELLED");
  });
});
