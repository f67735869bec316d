import assert from "node:assert/strict";
import { test } from "node:test";
import { context, SpanKind, trace } from "@opentelemetry/api";
import { startOtlpCollector } from "../../test/support/otlp_collector.ts";
import { createLogger } from "./logs.ts";
import { callerContext, startTracing } from "./traces.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";
const caller = () => new Headers({ traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` });

test("a span arrives at the collector as a child of the caller's, and spans and log entries inside it belong to it", async (t) => {
  const collector = await startOtlpCollector();
  t.after(() => collector.stop());
  const lines: string[] = [];
  const log = createLogger("info", { format: "json", sink: { write: (line) => lines.push(line) } });
  const tracing = startTracing({ endpoint: collector.url, version: "1.2.3", log });

  const parent = callerContext(caller());
  const span = tracing.tracer.startSpan(
    "kubernaut.audit.v1.AuditService/RecordEvents",
    { kind: SpanKind.SERVER },
    parent,
  );
  await context.with(trace.setSpan(parent, span), async () => {
    await new Promise(setImmediate);
    log.info("inside");
    tracing.tracer.startSpan("append").end();
  });
  span.end();
  log.info("outside");
  await tracing.shutdown();

  const arrived = await collector.spanNamed("kubernaut.audit.v1.AuditService/RecordEvents");
  const child = await collector.spanNamed("append");
  assert.equal(arrived.traceId, TRACE_ID);
  assert.equal(arrived.parentSpanId, PARENT_ID);
  assert.equal(child.traceId, TRACE_ID);
  assert.equal(child.parentSpanId, arrived.spanId);
  assert.equal(collector.requests[0]?.["content-type"], "application/x-protobuf");
  const [inside, outside] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(inside?.["trace_id"], TRACE_ID);
  assert.equal(inside?.["span_id"], arrived.spanId);
  assert.equal(outside?.["trace_id"], undefined);
});

test("a traceparent that is no traceparent begins a trace of its own", async (t) => {
  const collector = await startOtlpCollector();
  t.after(() => collector.stop());
  const tracing = startTracing({ endpoint: collector.url, version: "1", log: createLogger("silent") });
  const parent = callerContext(new Headers({ traceparent: `00-${"0".repeat(32)}-${PARENT_ID}-01` }));
  tracing.tracer.startSpan("alone", {}, parent).end();
  await tracing.shutdown();
  const span = await collector.spanNamed("alone");
  assert.equal(span.parentSpanId, "");
  assert.notEqual(span.traceId, "0".repeat(32));
});

test("a collector that is away is told once, and the shutdown ends all the same", async () => {
  const collector = await startOtlpCollector();
  await collector.stop();
  const lines: string[] = [];
  const log = createLogger("info", { format: "json", sink: { write: (line) => lines.push(line) } });
  const tracing = startTracing({ endpoint: collector.url, version: "1", log, exportTimeoutMs: 200 });
  for (let spans = 0; spans < 1_500; spans++) tracing.tracer.startSpan("lost").end();
  await tracing.shutdown();
  assert.ok(lines.length >= 1 && lines.length <= 2, `${lines.length} entries`);
  assert.match(lines[0] ?? "", /"level":"warn"/);
});

test("without an endpoint spans are not recorded, and no context is kept", async () => {
  const tracing = startTracing({ endpoint: undefined, version: "1", log: createLogger("silent") });
  const span = tracing.tracer.startSpan("nothing", {}, callerContext(caller()));
  assert.equal(span.isRecording(), false);
  context.with(trace.setSpan(context.active(), span), () => assert.equal(trace.getActiveSpan(), undefined));
  await tracing.shutdown();
});
