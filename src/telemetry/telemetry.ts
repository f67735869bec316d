import type { Tracer } from "@opentelemetry/api";
import type { Config } from "../config/config.ts";
import type { HostPort } from "../config/kinds.ts";
import { createLogger, type Logger } from "./logs.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { observeProcess } from "./process.ts";
import { startScrape } from "./scrape.ts";
import { noTracer, startTracing } from "./traces.ts";

/** What the parts of the service tell about themselves, in one hand. */
export interface Telemetry {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  /** Where metrics are served, with the port that was given for 0. Absent when they are off. */
  readonly metricsAddress: HostPort | undefined;
  /** Sends the spans that are left and ends the metrics server. Last of all, so that a shutdown can be seen. */
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  readonly config: Pick<Config, "logLevel" | "logFormat" | "metricsAddress" | "otlpEndpoint">;
  /** Version of the service. */
  readonly version: string;
  /** The process's logger, where one was made before; default: one as `config` asks for. */
  readonly log?: Logger;
}

/**
 * Starts logs, metrics and traces as the configuration asks.
 *
 * @throws ConfigError when the metrics address cannot be had.
 */
export async function startTelemetry({ config, version, log: given }: TelemetryOptions): Promise<Telemetry> {
  const log = given ?? createLogger(config.logLevel, { format: config.logFormat });
  const scrape = config.metricsAddress && (await startScrape({ address: config.metricsAddress, log }));
  const metrics = createMetrics(scrape?.meter);
  const endProcess = scrape && observeProcess(metrics, version);
  const tracing = startTracing({ endpoint: config.otlpEndpoint, version, log });
  return {
    log,
    metrics,
    tracer: tracing.tracer,
    metricsAddress: scrape?.address,
    async shutdown() {
      endProcess?.();
      await Promise.all([tracing.shutdown(), scrape?.stop()]);
    },
  };
}

/** Telemetry that tells nobody anything: for commands, and for tests of other parts. */
export function noTelemetry(): Telemetry {
  return {
    log: createLogger("silent"),
    metrics: createMetrics(),
    tracer: noTracer(),
    metricsAddress: undefined,
    shutdown: () => Promise.resolve(),
  };
}
