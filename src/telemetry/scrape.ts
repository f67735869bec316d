import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Meter } from "@opentelemetry/api";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { AggregationTemporality, InstrumentType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { ConfigError, shown } from "../config/config_error.ts";
import { formatHostPort, type HostPort } from "../config/kinds.ts";
import { settings } from "../config/settings.ts";
import type { Instrument } from "./instrument.ts";
import { instruments } from "./instruments.ts";
import type { Logger } from "./logs.ts";

/** A meter whose metrics are there for the asking over HTTP. */
export interface Scrape {
  readonly meter: Meter;
  /** Where it listens; with the port that the operating system gave where 0 was asked for. */
  readonly address: HostPort;
  stop(): Promise<void>;
}

/**
 * Serves metrics in Prometheus's text form 0.0.4 at `/metrics` of an address of their own.
 *
 * The exporter's own server is not used: it takes port 0 for its default port and answers errors with 200.
 *
 * @throws ConfigError naming DATASTORAGE_METRICS_ADDRESS when the address cannot be had.
 */
export async function startScrape({
  address,
  log,
}: {
  readonly address: HostPort;
  readonly log: Logger;
}): Promise<Scrape> {
  const reader = new ScrapeReader({ aggregationTemporalitySelector: temporality });
  const provider = new MeterProvider({ readers: [reader], views: renamed() });
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/metrics") return answer(response, 404, "There is nothing here; the metrics are at /metrics.\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return answer(response, 405, "Metrics can only be read.\n");
    }
    void answerScrape(reader, response, log);
  });
  await listen(server, address);
  server.on("error", (error) => log.error({ err: error }, "the metrics server failed"));
  return {
    meter: provider.getMeter("kubernaut-datastorage"),
    address: { host: address.host, port: (server.address() as AddressInfo).port },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, provider.shutdown()]);
    },
  };
}

/** With CUMULATIVE a gauge that nobody reports any more, or whose callback fails, would keep its last value for good. */
function temporality(type: InstrumentType): AggregationTemporality {
  return type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}

/** Gathers metrics when it is asked and at no other time. */
class ScrapeReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** Prometheus names carry their unit, which the serializer leaves out: metrics with a name of the conventions get theirs by a view. */
function renamed(): { instrumentName: string; name: string }[] {
  return Object.values<Instrument>(instruments).flatMap(({ name, openTelemetryName }) =>
    openTelemetryName === undefined ? [] : [{ instrumentName: openTelemetryName, name }],
  );
}

const serializer = new PrometheusSerializer("", false, undefined, true, true);

async function answerScrape(reader: ScrapeReader, response: ServerResponse, log: Logger): Promise<void> {
  try {
    const { resourceMetrics, errors } = await reader.collect();
    for (const error of errors) log.warn({ err: error }, "a metric could not be read");
    answer(response, 200, serializer.serialize(resourceMetrics), "text/plain; version=0.0.4; charset=utf-8");
  } catch (error) {
    log.error({ err: error }, "the metrics could not be gathered");
    answer(response, 500, "The metrics could not be gathered; the log says why.\n");
  }
}

function answer(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) }).end(body);
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use by another process; choose another port, 0 for a free one, or off",
  EADDRNOTAVAIL: "is no address of this machine",
  ENOTFOUND: "is no address of this machine",
  EACCES: "may not be used by this user; choose a port from 1024",
};

async function listen(server: Server, address: HostPort): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    const { variable } = settings.metricsAddress;
    const value = shown(formatHostPort(address), false);
    throw new ConfigError([{ variable, value, rule: LISTEN_FAULTS[code] ?? `cannot be listened on (${code})` }], {
      cause,
    });
  }
}
