import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextKey, createContextKey } from "@connectrpc/connect";
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { codeName } from "./errors.ts";
import type { Protocol } from "./protocol.ts";

/** Where calls are measured and traced. */
export interface RpcTelemetry {
  readonly tracer: Tracer;
  /**
   * Counts a call that has ended. `method`: `kubernaut.audit.v1.AuditService/GetEvent`, or `_OTHER` for one that does not
   * exist. `code`: the canonical name, `OK` or `RESOURCE_EXHAUSTED`.
   */
  recordCall(method: string, protocol: Protocol, code: string, seconds: number): void;
}

/** Codes by which the server says that it failed; the others are the caller's doing. From the conventions for rpc spans. */
const SERVER_FAILURES: ReadonlySet<Code> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** One call from its first header to its last byte. */
export class Call {
  /** Aborted when the call has ended, or must end: by its deadline, by its caller, by the server's. */
  signal: AbortSignal;
  /** Whether the handler has answered. A framework error before that came up while reading the request. */
  answered = false;
  /** The error with which the call was answered. */
  code: Code | undefined;
  /** The OpenTelemetry context in which the handler runs. */
  readonly context: Context;
  readonly #span: Span;
  readonly #name: string;
  readonly #protocol: Protocol;
  readonly #telemetry: RpcTelemetry;
  readonly #startedAt = performance.now();

  constructor(method: DescMethod | undefined, protocol: Protocol, headers: Headers, telemetry: RpcTelemetry) {
    this.signal = new AbortController().signal;
    this.#name = method === undefined ? "_OTHER" : `${method.parent.typeName}/${method.name}`;
    this.#protocol = protocol;
    this.#telemetry = telemetry;
    const attributes = {
      "rpc.system.name": protocol === "connect" ? "connectrpc" : "grpc",
      "rpc.method": this.#name,
    };
    const caller = callerContext(headers);
    this.#span = telemetry.tracer.startSpan(this.#name, { kind: SpanKind.SERVER, attributes }, caller);
    this.context = trace.setSpan(caller, this.#span);
  }

  /** Closes the books on the call; `delivered` tells whether the whole answer was handed to the connection. */
  end(delivered: boolean): void {
    const code = this.#code(delivered);
    const name = codeName(code);
    this.#span.setAttribute("rpc.response.status_code", name);
    if (code !== undefined && SERVER_FAILURES.has(code)) {
      this.#span.setAttribute("error.type", name);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
    this.#telemetry.recordCall(this.#name, this.#protocol, name, (performance.now() - this.#startedAt) / 1000);
  }

  #code(delivered: boolean): Code | undefined {
    const reason: unknown = this.signal.aborted ? this.signal.reason : undefined;
    if (this.code !== undefined) return this.code;
    if (reason instanceof ConnectError) return reason.code;
    return delivered ? undefined : Code.Canceled;
  }
}

/** Where interceptors find the call. Undefined outside of a server. */
export const callKey: ContextKey<Call | undefined> = createContextKey<Call | undefined>(undefined, {
  description: "call",
});

/** The trace that a caller is in, by W3C Trace Context (https://www.w3.org/TR/trace-context/). */
export function callerContext(headers: Headers): Context {
  const match = /^(?!ff)[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/.exec(
    headers.get("traceparent") ?? "",
  );
  const [, traceId = "", spanId = "", flags = "00"] = match ?? [];
  const state = headers.get("tracestate");
  const spanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state === null ? {} : { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}
