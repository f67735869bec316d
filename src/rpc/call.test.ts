import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { trace } from "@opentelemetry/api";
import { callerContext } from "./call.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";

function caller(traceparent: string, tracestate?: string) {
  const headers = new Headers({ traceparent, ...(tracestate === undefined ? {} : { tracestate }) });
  return trace.getSpanContext(callerContext(headers));
}

describe("the trace of a caller", () => {
  it("is taken over with its flags and its state", () => {
    const context = caller(`00-${traceId}-${spanId}-01`, "vendor=x");
    assert.equal(context?.traceId, traceId);
    assert.equal(context?.spanId, spanId);
    assert.equal(context?.traceFlags, 1);
    assert.equal(context?.isRemote, true);
    assert.equal(context?.traceState?.get("vendor"), "x");
  });

  it("is taken over from later versions, as far as version 00 goes", () => {
    assert.equal(caller(`01-${traceId}-${spanId}-00-more`)?.traceId, traceId);
  });

  it("is not there where the header is missing or says nonsense", () => {
    assert.equal(trace.getSpanContext(callerContext(new Headers())), undefined);
    for (const bad of [
      "",
      `ff-${traceId}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
    ]) {
      assert.equal(caller(bad), undefined, bad);
    }
  });
});
