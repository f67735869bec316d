import assert from "node:assert/strict";
import { test } from "node:test";
import { traceRows } from "../../../test/support/trace_rows.ts";
import { parseTrace } from "../parse/parse.ts";
import { FieldMap } from "./field_map.ts";
import { told } from "./told.ts";

const rows = traceRows([
  { event_type: "a.b", event_timestamp: "2026-01-01T00:00:02Z" },
  { event_type: "a.b", event_timestamp: "2026-01-01T00:00:01Z" },
  { event_type: "a.b", event_timestamp: "2026-01-01T00:00:02Z" },
]);
const [early, later, last] = parseTrace("rr-made", rows).events;
assert.ok(early && later && last);

test("events are taken by time, then by their place in the chain", () => {
  assert.deepEqual(
    [early, later, last].map(({ position }) => position),
    [2, 1, 3],
  );
});

test("the later value stays, in whatever order they are put", () => {
  for (const order of [
    [early, later, last],
    [last, early, later],
  ]) {
    const fields = new FieldMap();
    for (const event of order) fields.put("spec.x", told(event, event.position, "event_data.x"));
    assert.equal(fields.get("spec.x")?.value, 3);
  }
});

test("a higher rank stays over a later value; nothing told changes nothing", () => {
  const fields = new FieldMap();
  fields.put("spec.x", told(early, "word", "event_data.x"), 1);
  fields.put("spec.x", told(last, "stand-in", "event_data.x"), 0);
  fields.put("spec.x", told(last, "", "event_data.x"), 1);
  assert.equal(fields.text("spec.x"), "word");
});

test("maps are joined key by key, with the place of each member", () => {
  const fields = new FieldMap();
  fields.putMembers("spec.m", told(last, { a: "2", "b.c": "2" }, "event_data.m"));
  fields.putMembers("spec.m", told(early, { a: "1", d: "1" }, "event_data.m"));
  assert.deepEqual(
    fields.entries().map(([path, { value, source }]) => [path, value, source]),
    [
      ['spec.m["a"]', "2", "event_data.m.a"],
      ['spec.m["b.c"]', "2", 'event_data.m["b.c"]'],
      ['spec.m["d"]', "1", "event_data.m.d"],
    ],
  );
  assert.ok(fields.has("spec.m"));
});
