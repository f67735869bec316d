import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { complaints } from "./complaints.ts";
import type { Logger } from "./logs.ts";

export interface TracingOptions {
  /** URL of an OTLP/HTTP collector's traces resource. Absent: no traces, and spans cost nothing. */
  readonly endpoint: string | undefined;
  /** Version of the service, told with every span. */
  readonly version: string;
  /** Is told when spans cannot be delivered, at most once a minute. */
  readonly log: Logger;
  /** How long a batch, and so a shutdown, waits for the collector; default five seconds. */
  readonly exportTimeoutMs?: number;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left, within the export timeout, and ends tracing. Never rejects. */
  shutdown(): Promise<void>;
}

/**
 * Starts tracing by OpenTelemetry: spans are sent in batches by OTLP over HTTP in protobuf form. The standard variables
 * OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, OTEL_BSP_* and OTEL_EXPORTER_OTLP_HEADERS hold.
 * A collector that is away costs spans and nothing else.
 *
 * The active span and the way it follows asynchronous calls belong to the whole process: one at a time.
 */
export function startTracing({ endpoint, version, log, exportTimeoutMs = 5_000 }: TracingOptions): Tracing {
  if (endpoint === undefined) return { tracer: noTracer(), shutdown: () => Promise.resolve() };
  diag.setLogger(complaints(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const resource = defaultResource()
    .merge(resourceFromAttributes({ "service.name": "kubernaut-datastorage", "service.version": version }))
    .merge(detectResources({ detectors: [envDetector] }));
  const exporter = new OTLPTraceExporter({ url: endpoint, timeoutMillis: exportTimeoutMs });
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(exporter, { exportTimeoutMillis: exportTimeoutMs })],
  });
  provider.register();
  return {
    tracer: provider.getTracer("kubernaut-datastorage", version),
    async shutdown() {
      await provider
        .shutdown()
        .catch((error: unknown) => log.warn({ err: error }, "the last spans could not be delivered"));
      for (const api of [trace, context, propagation, diag]) api.disable();
    },
  };
}

/** A tracer whose spans are not recorded. */
export function noTracer(): Tracer {
  return new ProxyTracerProvider().getDelegate().getTracer("kubernaut-datastorage");
}

const HEADERS: TextMapGetter<Headers> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};

/** The caller's span as its `traceparent` and `tracestate` name it (W3C Trace Context), to be the parent of ours; without tracing, none. */
export function callerContext(headers: Headers): Context {
  return propagation.extract(ROOT_CONTEXT, headers, HEADERS);
}
