import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "../../src/main.ts";
import { instruments } from "../../src/telemetry/instruments.ts";
import { newEvent, openCaller, testConfig } from "../support/audit_service.ts";
import { createDatabase } from "../support/database.ts";
import { startOtlpCollector } from "../support/otlp_collector.ts";

test("a recorded event can be followed by its trace, and counted", async (t) => {
  const collector = await startOtlpCollector();
  t.after(() => collector.stop());
  const database = await createDatabase("telemetry");
  t.after(() => database.drop());
  const config = testConfig(database.url, {
    DATASTORAGE_OTLP_ENDPOINT: collector.url,
    DATASTORAGE_METRICS_ADDRESS: "127.0.0.1:0",
  });
  const service = await serve({ config });
  let open = true;
  const close = async () => {
    if (open) await service.close();
    open = false;
  };
  t.after(close);
  const caller = openCaller(`127.0.0.1:${service.address.port}`);
  t.after(() => caller.close());

  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  const event = newEvent({ correlationId: "rr-traced" });
  await caller.client.recordEvents({ events: [event] }, { headers });
  await caller.client.recordEvents({ events: [event, newEvent({ eventType: "BAD" })] });
  await caller.client.listEvents({ filter: { correlationId: "rr-traced" } });

  const { host, port } = service.metricsAddress ?? assert.fail("metrics are served");
  const read = async () => (await fetch(`http://${host}:${port}/metrics`)).text();
  let scrape = await read();
  // Indexed a moment after it was answered.
  while (!scrape.includes("datastorage_log_indexed_events_total 1")) scrape = await read();
  for (const { name, kind } of Object.values(instruments)) {
    const sample = kind === "histogram" ? `${name}_count` : name;
    assert.match(scrape, new RegExp(`^${sample}[{ ]`, "m"), `${name} is in the scrape`);
  }
  const count = (outcome: string, category: string) =>
    new RegExp(`^datastorage_events_total\\{outcome="${outcome}",category="${category}"\\} 1$`, "m");
  assert.match(scrape, count("recorded", "gateway"));
  assert.match(scrape, count("duplicate", "gateway"));
  assert.match(scrape, count("rejected", "other"));
  assert.match(scrape, /^datastorage_database_up 1$/m);
  assert.match(scrape, /^datastorage_audit_lag_seconds_count\{path="direct"\} 1$/m);

  // Spans leave in batches; the last with the service.
  await close();
  const call = await collector.spanNamed("kubernaut.audit.v1.AuditService/RecordEvents");
  const append = await collector.spanNamed("append_audit_events");
  assert.equal(call.traceId, traceId);
  assert.equal(call.parentSpanId, "b7ad6b7169203331");
  assert.equal(append.traceId, traceId);
  assert.equal(append.parentSpanId, call.spanId);
});
