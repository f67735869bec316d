import { type Context, context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";

/** Runs an append in a span of its own, given the contexts of the calls whose events it holds. */
export type TraceAppend = (calls: readonly Context[], events: number, run: () => Promise<void>) => Promise<void>;

/**
 * A span for each append, by OpenTelemetry's conventions for database clients. With the events of one call in it, it is a
 * child of that call's span; with those of several it stands alone and links to each.
 */
export function createAppendTrace(tracer: Tracer): TraceAppend {
  return async (calls, events, run) => {
    const [parent] = calls;
    const alone = calls.length !== 1 || parent === undefined;
    const links = calls.flatMap((call) => trace.getSpanContext(call) ?? []).map((linked) => ({ context: linked }));
    const attributes = {
      "db.system.name": "postgresql",
      "db.stored_procedure.name": "append_audit_events",
      "db.operation.batch.size": events,
    };
    const options = { kind: SpanKind.CLIENT, attributes, links: alone ? links : [] };
    const from = alone ? ROOT_CONTEXT : parent;
    const span = tracer.startSpan("append_audit_events", options, from);
    try {
      await context.with(trace.setSpan(from, span), run);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  };
}
