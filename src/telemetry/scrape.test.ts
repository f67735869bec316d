import assert from "node:assert/strict";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { ConfigError } from "../config/config.ts";
import { callLabels, statusCode } from "./call_labels.ts";
import { createEventTally } from "./event_tally.ts";
import type { Instrument } from "./instrument.ts";
import { instruments } from "./instruments.ts";
import { createLogMetrics, observeLog } from "./log_metrics.ts";
import { createLogger } from "./logs.ts";
import { createMetrics, type Metrics, scrapedLabels } from "./metrics.ts";
import { createQueueMetrics } from "./queue_metrics.ts";
import { scrapedType } from "./reference.ts";
import { startScrape } from "./scrape.ts";
import { startTelemetry } from "./telemetry.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 } as const;

interface Running {
  readonly metrics: Metrics;
  readonly url: string;
  readonly log: string[];
  scrape(): Promise<string>;
}

async function start(t: TestContext): Promise<Running> {
  const lines: string[] = [];
  const log = createLogger("info", { format: "json", sink: { write: (line) => lines.push(line) } });
  const scrape = await startScrape({ address: ANY_PORT, log });
  t.after(() => scrape.stop());
  const url = `http://127.0.0.1:${scrape.address.port}/metrics`;
  return { metrics: createMetrics(scrape.meter), url, log: lines, scrape: async () => (await fetch(url)).text() };
}

/** Name → its samples, each with labels and value, of a scrape in text form. */
function samples(text: string): Map<string, { labels: Record<string, string>; value: number }[]> {
  const found = new Map<string, { labels: Record<string, string>; value: number }[]>();
  for (const line of text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))) {
    const [, name, inBraces = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(line);
    const labels = Object.fromEntries(
      [...inBraces.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]),
    );
    found.set(name!, [...(found.get(name!) ?? []), { labels, value: Number(value) }]);
  }
  return found;
}

/** One measurement of each metric that the parts of the service record; those of the process record themselves. */
function recordEachOnce(metrics: Metrics): void {
  metrics.rpcServerCallDuration.record(
    0.004,
    callLabels("grpc", "kubernaut.audit.v1.AuditService/GetEvent", "INTERNAL"),
  );
  metrics.connections.observe((report) => report(3));
  metrics.writeDuration.record(0.002, { result: "ok" });
  metrics.auditLag.record(0.1, { path: "direct" });
  metrics.events.add(7, { outcome: "recorded", category: "gateway" });
  metrics.appendEvents.record(500);
  metrics.appendRetries.add(1, { reason: "stale" });
  metrics.writerPendingEvents.observe((report) => report(10));
  metrics.writerPendingBytes.observe((report) => report(4_096));
  metrics.writerPendingLimit.observe((report) => {
    report(20_000, { of: "events" });
    report(134_217_728, { of: "bytes" });
  });
  metrics.writerWaitingCallers.observe((report) => report(0));
  metrics.ownEventsWaiting.observe((report) => report(0));
  metrics.databaseUp.observe((report) => report(1));
  metrics.poolConnections.observe((report) => report(2, { pool: "append", state: "active" }));
  metrics.partitionMonthsAhead.observe((report) => report(12));
  metrics.defaultPartitionRows.observe((report) => report(0));
  createQueueMetrics(metrics);
  metrics.degraded.observe((report) => report(0));
  createLogMetrics(metrics).advanced(3, 0.004);
  observeLog(metrics, {
    standing: {
      holding: true,
      size: 9,
      publishedSize: 7,
      pendingEvents: 1,
      oldestPendingS: 0.1,
      oldestTransactionS: 0.2,
    },
    keptOutside: true,
    witnesses: { configured: 2, failing: 1 },
    sealingStatus: () => "signing",
  });
}

test("a scrape holds every documented metric with its type and labels, and nothing else", async (t) => {
  const config = { logLevel: "silent", logFormat: "json", metricsAddress: ANY_PORT, otlpEndpoint: undefined } as const;
  const telemetry = await startTelemetry({ config, version: "1.2.3" });
  t.after(() => telemetry.shutdown());
  recordEachOnce(telemetry.metrics);
  const response = await fetch(`http://127.0.0.1:${telemetry.metricsAddress?.port}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await response.text();

  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const documented = Object.values<Instrument>(instruments).map((one) => `${one.name} ${scrapedType(one)}`);
  assert.deepEqual(types.sort(), documented.sort());
  const scraped = samples(text);
  for (const instrument of Object.values<Instrument>(instruments)) {
    const [sample] = scraped.get(instrument.kind === "histogram" ? `${instrument.name}_count` : instrument.name) ?? [];
    const labels = scrapedLabels(instrument).map(([name]) => name);
    assert.deepEqual(Object.keys(sample?.labels ?? {}).sort(), labels.sort(), instrument.name);
    if (instrument.buckets === undefined) continue;
    const bounds = scraped.get(`${instrument.name}_bucket`)?.map((bucket) => bucket.labels["le"]);
    assert.deepEqual(bounds, [...instrument.buckets.map(String), "+Inf"], instrument.name);
  }
  assert.deepEqual(scraped.get("datastorage_build_info")?.[0]?.labels, {
    version: "1.2.3",
    node: process.versions.node,
  });
  assert.ok((scraped.get("process_cpu_seconds_total")?.[0]?.value ?? 0) > 0);
});

test("counters add up and gauges tell how things stand", async (t) => {
  const { metrics, scrape } = await start(t);
  let pending = 5;
  const end = metrics.writerPendingEvents.observe((report) => report(pending));
  metrics.events.add(2, { outcome: "recorded", category: "gateway" });
  await scrape();
  metrics.events.add(3, { outcome: "recorded", category: "gateway" });
  pending = 6;
  const later = samples(await scrape());
  assert.equal(later.get("datastorage_events_total")?.[0]?.value, 5);
  assert.equal(later.get("datastorage_writer_pending_events")?.[0]?.value, 6);
  end();
  assert.equal(samples(await scrape()).has("datastorage_writer_pending_events"), false);
});

test("a tally counts every event once, and unknown categories share one label", async (t) => {
  const { metrics, scrape } = await start(t);
  const tally = createEventTally(metrics.events);
  for (const category of ["gateway", "gateway", "made up 1", "made up 2"]) tally.count("recorded", category);
  tally.count("rejected", "gateway");
  tally.flush();
  tally.count("recorded", "gateway");
  tally.flush();
  tally.flush();
  const counted = samples(await scrape())
    .get("datastorage_events_total")
    ?.map(({ labels, value }) => [labels["outcome"], labels["category"], value]);
  assert.deepEqual(counted, [
    ["recorded", "gateway", 3],
    ["recorded", "other", 2],
    ["rejected", "gateway", 1],
  ]);
});

test("an emitter's clock that runs ahead counts as no lag, and NaN spoils nothing", async (t) => {
  const { metrics, scrape } = await start(t);
  for (const seconds of [-3, Number.NaN, 0.5]) metrics.auditLag.record(seconds, { path: "direct" });
  const found = samples(await scrape());
  assert.equal(found.get("datastorage_audit_lag_seconds_count")?.[0]?.value, 2);
  assert.equal(found.get("datastorage_audit_lag_seconds_sum")?.[0]?.value, 0.5);
});

test("a gauge that fails is absent and logged, and leaves the rest of the scrape whole", async (t) => {
  const { metrics, scrape, log } = await start(t);
  let answers = true;
  metrics.databaseUp.observe((report) => {
    if (!answers) throw new Error("no answer");
    report(1);
  });
  metrics.connections.observe((report) => report(1));
  assert.equal(samples(await scrape()).get("datastorage_database_up")?.[0]?.value, 1);
  answers = false;
  const found = samples(await scrape());
  assert.equal(found.get("datastorage_connections")?.[0]?.value, 1);
  assert.equal(found.has("datastorage_database_up"), false);
  assert.match(log.join(""), /no answer/);
});

test("only the service's own failures carry error.type", () => {
  assert.equal(callLabels("grpc", "a.B/C", "UNAVAILABLE")["error.type"], "UNAVAILABLE");
  assert.equal(callLabels("grpc", "a.B/C", "INVALID_ARGUMENT")["error.type"], undefined);
  assert.equal(callLabels("connectrpc", "a.B/C", "OK"), callLabels("connectrpc", "a.B/C", "OK"));
  assert.deepEqual([0, 3, 16, 17].map(statusCode), ["OK", "INVALID_ARGUMENT", "UNAUTHENTICATED", "UNKNOWN"]);
});

test("other paths and methods are told where the metrics are", async (t) => {
  const { url } = await start(t);
  const elsewhere = await fetch(new URL("/", url));
  assert.equal(elsewhere.status, 404);
  assert.match(await elsewhere.text(), /\/metrics/);
  const post = await fetch(url, { method: "POST" });
  assert.equal(post.status, 405);
  assert.equal(post.headers.get("allow"), "GET, HEAD");
  assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
});

test("an address that is taken is a fault that names the variable", async (t) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  await assert.rejects(
    startScrape({ address: { host: "127.0.0.1", port }, log: createLogger("silent") }),
    (error) =>
      error instanceof ConfigError &&
      error.message.includes(`DATASTORAGE_METRICS_ADDRESS="127.0.0.1:${port}" is in use by another process`),
  );
});

test("metrics that are off cost nothing and serve nothing", async () => {
  const config = { logLevel: "silent", logFormat: "json", metricsAddress: undefined, otlpEndpoint: undefined } as const;
  const telemetry = await startTelemetry({ config, version: "1.2.3" });
  recordEachOnce(telemetry.metrics);
  assert.equal(telemetry.metricsAddress, undefined);
  await telemetry.shutdown();
});

test("a label that the table does not have does not compile", () => {
  const metrics = createMetrics();
  // @ts-expect-error the label is called `result`
  metrics.writeDuration.record(1, { outcome: "ok" });
  // @ts-expect-error there is no such result
  metrics.writeDuration.record(1, { result: "fine" });
  // @ts-expect-error labels are missing
  metrics.events.add(1);
  // @ts-expect-error a gauge is observed, not recorded
  metrics.databaseUp.record?.(1);
});
