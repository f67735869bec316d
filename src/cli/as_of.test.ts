import assert from "node:assert/strict";
import { test } from "node:test";
import { readArguments } from "./arguments.ts";
import { asOf } from "./as_of.ts";
import { UsageError } from "./exit_code.ts";
import { timeline } from "./timeline/timeline.ts";

const now = new Date("2026-09-14T08:00:00Z");
const moment = (text: string) => asOf(readArguments(timeline, ["rr-1", "--as-of", text]), now)?.moment;

test("a time, an age, or a place in the chain", () => {
  assert.deepEqual(moment("2026-09-14T07:48:53.420711Z"), {
    case: "time",
    value: { seconds: 1_789_372_133n, nanos: 420_711_000 },
  });
  assert.deepEqual(moment("2h"), { case: "time", value: { seconds: BigInt(now.getTime() / 1000 - 7200), nanos: 0 } });
  assert.deepEqual(moment("57"), { case: "chainPosition", value: 57n });
  assert.equal(asOf(readArguments(timeline, ["rr-1"]), now), undefined);
});

test("anything else is refused, with the rule", () => {
  for (const text of ["0", "9223372036854775808", "yesterday", "-1", "1.5", "2026-02-30"]) {
    assert.throws(() => asOf({ text: () => text } as never, now), UsageError, text);
  }
});
