import assert from "node:assert/strict";
import { test } from "node:test";
import type { Given } from "./command.ts";
import { durationOf, numberOf, parseTime, timeOf } from "./values.ts";

const given = (value: string): Given => ({ positionals: [], text: () => value, texts: () => [value], has: () => true });

test("times are read as RFC 3339 and as databases print them, to the nanosecond", () => {
  const at = (text: string) => {
    const time = parseTime(text);
    return time && `${time.seconds}.${String(time.nanos).padStart(9, "0")}`;
  };
  assert.equal(at("2026-05-13T21:24:03Z"), "1778707443.000000000");
  assert.equal(at("2026-05-13T23:24:03.123456+02:00"), "1778707443.123456000");
  assert.equal(at("2026-05-13 21:24:03.5+00"), "1778707443.500000000");
  assert.equal(at("2026-05-13 19:54:03.5-0130"), "1778707443.500000000");
  assert.equal(at("2026-05-13"), "1778630400.000000000");
  assert.equal(at("1969-12-31T23:59:59.999999999Z"), "-1.999999999");
  assert.equal(at("0099-01-01T00:00:00Z"), "-59042995200.000000000");
});

test("times that no calendar has, or without an offset, are none", () => {
  const bad = [
    "2026-02-30T00:00:00Z",
    "2026-13-01",
    "2026-05-13T24:00:01Z",
    "2026-05-13T21:24:03",
    "yesterday",
    "",
    "2026-05-13Z",
  ];
  for (const text of [...bad, "2026-05-13T21:24:03+24:00"]) assert.equal(parseTime(text), undefined, text);
});

test("a time may be given as an age", () => {
  const now = new Date("2026-05-13T12:00:00.900Z");
  assert.equal(timeOf(given("2h"), "start-time", now)?.seconds, 1778666400n);
  assert.equal(timeOf(given("7d"), "start-time", now)?.seconds, 1778068800n);
  assert.throws(() => timeOf(given("2w"), "start-time", now), /--start-time must be a time such as .* not "2w"/);
});

test("numbers and durations outside of their bounds are refused with the bounds", () => {
  assert.equal(numberOf(given("20"), "limit", 1, 100), 20);
  assert.throws(
    () => numberOf(given("0"), "limit", 1, 100),
    /--limit must be a whole number from 1 to 100, and not "0"/,
  );
  assert.throws(() => numberOf(given("1e2"), "limit", 1, 100), /whole number/);
  assert.equal(durationOf(given("1500ms"), "timeout"), 1500);
  assert.throws(() => durationOf(given("0s"), "timeout", 1), /--timeout must be a duration/);
});
