import assert from "node:assert/strict";
import { test } from "node:test";
import { stampNow, timestamptzText } from "./stamp.ts";

test("times are written as PostgreSQL writes them", () => {
  assert.equal(timestamptzText(Date.UTC(2026, 9, 10, 10, 20, 30, 0)), "2026-10-10 10:20:30+00");
  assert.equal(timestamptzText(Date.UTC(2026, 9, 10, 0, 0, 0, 0)), "2026-10-10 00:00:00+00");
  assert.equal(timestamptzText(Date.UTC(2026, 9, 10, 10, 20, 30, 120)), "2026-10-10 10:20:30.12+00");
  assert.equal(timestamptzText(Date.UTC(2026, 9, 10, 10, 20, 30, 7)), "2026-10-10 10:20:30.007+00");
});

test("a name that is longer than its column is cut between code points", () => {
  assert.equal(stampNow("😀".repeat(300)).by, "😀".repeat(255));
  assert.equal(stampNow("alice").by, "alice");
});
