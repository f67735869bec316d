import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints } from "./complaints.ts";
import { createLogger } from "./logs.ts";

test("complaints of the SDK become a warning a minute, without their stack", () => {
  const lines: string[] = [];
  let now = 5;
  const log = createLogger("debug", { format: "json", sink: { write: (line) => lines.push(line) } });
  const diag = complaints(log, () => now);
  diag.error(JSON.stringify({ stack: "Error: away\n at x", message: 'the "collector" is away', code: "ECONNREFUSED" }));
  diag.warn("Dropped 3 spans");
  now += 59_999;
  diag.error("still away");
  now += 1;
  diag.warn("Dropped 7 spans");
  diag.info("chatter");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { detail: string }).detail),
    ['the "collector" is away', "Dropped 7 spans"],
  );
});
