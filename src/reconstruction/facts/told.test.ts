import assert from "node:assert/strict";
import { test } from "node:test";
import { traceRows } from "../../../test/support/trace_rows.ts";
import { parseTrace } from "../parse/parse.ts";
import { asTime, told } from "./told.ts";

const [event] = parseTrace("rr-made", traceRows([{ event_type: "a.b" }])).events;
assert.ok(event);

const timeOf = (text: string) => asTime(told(event, text, "event_data.decided_at"))?.value;

test("a time is told to the second in UTC", () => {
  assert.equal(timeOf("2026-05-10T04:24:02.9+02:00"), "2026-05-10T02:24:02Z");
});

test("a time that its offset moves out of the years 0 to 9999 is none", () => {
  assert.equal(timeOf("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59Z");
  assert.equal(timeOf("9999-12-31T23:59:59-05:00"), undefined);
  assert.equal(timeOf("0000-01-01T00:00:00+01:00"), undefined);
});
