import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { instantText, isInRange, microsText, parseTimestamp, timestampText } from "./timestamp.ts";

test("a timestamp is written in UTC with six digits, smaller ones cut off", () => {
  assert.equal(timestampText({ seconds: 1_778_707_443n, nanos: 123_456_999 }), "2026-05-13T21:24:03.123456Z");
  assert.equal(timestampText({ seconds: 0n, nanos: 999 }), "1970-01-01T00:00:00.000000Z");
  assert.equal(timestampText({ seconds: -1n, nanos: 999_999_000 }), "1969-12-31T23:59:59.999999Z");
  assert.equal(timestampText({ seconds: -62_135_596_800n, nanos: 0 }), "0001-01-01T00:00:00.000000Z");
});

test("what PostgreSQL writes is read", () => {
  const parts = { seconds: 1_778_707_443n, nanos: 120_000_000 };
  for (const text of ["2026-05-13 21:24:03.12+00", "2026-05-13 21:24:03.120000+00:00", "2026-05-13T21:24:03.12Z"]) {
    assert.deepEqual(parseTimestamp(text), parts);
  }
  assert.deepEqual(parseTimestamp("0099-01-01 00:00:00+00").seconds, -59_042_995_200n);
  for (const text of ["2026-05-13 21:24:03+02", "infinity", "2026-05-13", "0001-01-01 00:00:00+00 BC"]) {
    assert.throws(() => parseTimestamp(text), /not a UTC timestamp/);
  }
});

test("every moment that may be recorded survives the way through text, to the microsecond", () => {
  const moment = fc.record({
    seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    nanos: fc.integer({ min: 0, max: 999_999 }).map((micros) => micros * 1000),
  });
  fc.assert(fc.property(moment, (parts) => assert.deepEqual(parseTimestamp(timestampText(parts)), { ...parts })));
});

test("a time that PostgreSQL writes becomes the text that is hashed", () => {
  for (const [text, instant] of [
    ["2026-05-13 21:24:03.12+00", "2026-05-13T21:24:03.120000Z"],
    ["2026-05-13 21:24:03+00", "2026-05-13T21:24:03.000000Z"],
    ["2026-05-13T21:24:03.123456Z", "2026-05-13T21:24:03.123456Z"],
    ["0099-01-01 00:00:00.000001+00:00", "0099-01-01T00:00:00.000001Z"],
  ] as const) {
    assert.equal(instantText(text), instant);
    assert.equal(timestampText(parseTimestamp(text)), instant);
  }
  for (const text of ["2026-05-13 21:24:03+02", "infinity", "0001-01-01 00:00:00+00 BC", "10000-01-01 00:00:00+00"]) {
    assert.throws(() => instantText(text), /not a UTC timestamp/);
  }
});

test("the range is that of google.protobuf.Timestamp", () => {
  assert.ok(isInRange({ seconds: -62_135_596_800n, nanos: 0 }));
  assert.ok(isInRange({ seconds: 253_402_300_799n, nanos: 999_999_999 }));
  for (const [seconds, nanos] of [
    [-62_135_596_801n, 999_999_999],
    [253_402_300_800n, 0],
    [0n, -1],
    [0n, 1_000_000_000],
  ] as const) {
    assert.ok(!isInRange({ seconds, nanos }));
  }
});

test("the clock's microseconds are kept", () => {
  assert.equal(microsText(1_778_707_443_123_456), "2026-05-13T21:24:03.123456Z");
});
