import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** What a test looks at of a span that arrived; ids in hex, an absent parent as "". */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
}

/** A collector for OTLP over HTTP in protobuf form, on a free port of this machine. */
export interface OtlpCollector {
  /** URL of its traces resource. */
  readonly url: string;
  /** Everything that arrived so far. */
  readonly spans: readonly CollectedSpan[];
  readonly requests: readonly IncomingHttpHeaders[];
  /** The first span of this name, as soon as it is there. */
  spanNamed(name: string): Promise<CollectedSpan>;
  stop(): Promise<void>;
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const requests: IncomingHttpHeaders[] = [];
  const waiting = new Map<string, (span: CollectedSpan) => void>();
  const server = createServer(async (request, response) => {
    requests.push(request.headers);
    for (const span of decodeTraces(await buffer(request))) {
      spans.push(span);
      waiting.get(span.name)?.(span);
    }
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    requests,
    spanNamed(name) {
      const arrived = spans.find((span) => span.name === name);
      return arrived ? Promise.resolve(arrived) : new Promise((resolve) => waiting.set(name, resolve));
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

// Field numbers of opentelemetry/proto/trace/v1/trace.proto and collector/trace/v1/trace_service.proto.
const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;
const SPAN = { traceId: 1, spanId: 2, parentSpanId: 4, name: 5 } as const;

function decodeTraces(request: Uint8Array): CollectedSpan[] {
  return lengthDelimited(request, RESOURCE_SPANS)
    .flatMap((resource) => lengthDelimited(resource, SCOPE_SPANS))
    .flatMap((scope) => lengthDelimited(scope, SPANS))
    .map((span) => ({
      traceId: hex(lengthDelimited(span, SPAN.traceId)),
      spanId: hex(lengthDelimited(span, SPAN.spanId)),
      parentSpanId: hex(lengthDelimited(span, SPAN.parentSpanId)),
      name: Buffer.concat(lengthDelimited(span, SPAN.name)).toString(),
    }));
}

function hex(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString("hex");
}

function lengthDelimited(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}
