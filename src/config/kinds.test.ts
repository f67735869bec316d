import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  boolean,
  bytes,
  duration,
  formatBytes,
  formatDuration,
  formatHostPort,
  hostPort,
  hostPortOrOff,
  integer,
  isLoopback,
  oneOf,
  parseBytes,
  parseDuration,
  url,
} from "./kinds.ts";

const whole = fc.maxSafeNat();

test("every duration that is written is read back as the same milliseconds", () => {
  fc.assert(fc.property(whole, (milliseconds) => parseDuration(formatDuration(milliseconds)) === milliseconds));
});

test("every amount of bytes that is written is read back as the same bytes", () => {
  fc.assert(fc.property(whole, (amount) => parseBytes(formatBytes(amount)) === amount));
});

test("durations are read in their unit and written in the largest that fits", () => {
  assert.deepEqual(["500ms", "2s", "30m", "1h", "0"].map(parseDuration), [500, 2_000, 1_800_000, 3_600_000, 0]);
  assert.deepEqual([500, 90_000, 3_600_000, 0].map(formatDuration), ["500ms", "90s", "1h", "0ms"]);
  for (const text of ["", "5", "-1s", "1.5s", "1 s", "1d", "s", "9007199254740992ms", "99999999999999999999h"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("bytes are read in their unit and written in the largest that fits", () => {
  assert.deepEqual(["64KiB", "4MiB", "1GiB", "12B", "1000"].map(parseBytes), [65_536, 4_194_304, 2 ** 30, 12, 1_000]);
  assert.deepEqual([65_536, 1_000, 2 ** 30, 0].map(formatBytes), ["64KiB", "1000B", "1GiB", "0B"]);
  for (const text of ["", "-1", "4MB", "4mib", "1.5MiB", "9007199254740992"])
    assert.equal(parseBytes(text), undefined, text);
});

test("limits belong to the allowed values", () => {
  const texts = ["99ms", "100ms", "10m", "601s"];
  assert.deepEqual(texts.map(duration("100ms", "10m").parse), [
    undefined,
    { value: 100 },
    { value: 600_000 },
    undefined,
  ]);
  assert.deepEqual(["1023", "1KiB", "2KiB", "2049"].map(bytes("1KiB", "2KiB").parse), [
    undefined,
    { value: 1_024 },
    { value: 2_048 },
    undefined,
  ]);
  assert.deepEqual(["0", "1", "9", "10", "1e0", "٣"].map(integer(1, 9).parse), [
    undefined,
    { value: 1 },
    { value: 9 },
    undefined,
    undefined,
    undefined,
  ]);
});

test("addresses are read with names, IPv4 and bracketed IPv6, and written back the same", () => {
  for (const text of ["127.0.0.1:8080", "[::1]:0", "localhost:65535", "store.example.com:80"]) {
    const parsed = hostPort.parse(text);
    assert.ok(parsed, text);
    assert.equal(formatHostPort(parsed.value), text);
  }
  for (const text of [
    "8080",
    ":8080",
    "::1:8080",
    "host:",
    "host:65536",
    "host:-1",
    "[host]:1",
    "256.1.1.1:1",
    "a b:1",
    "http://a:1",
  ]) {
    assert.equal(hostPort.parse(text), undefined, text);
  }
  assert.deepEqual(hostPortOrOff.parse("off"), { value: undefined });
  assert.equal(hostPort.parse("off"), undefined);
});

test("only addresses of this machine count as loopback", () => {
  assert.ok(["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"].every(isLoopback));
  assert.ok(!["0.0.0.0", "::", "10.0.0.1", "127.example.com", "localhost.example.com"].some(isLoopback));
});

test("URLs need one of the schemes and a host, and may list several hosts", () => {
  const database = url("postgres", "postgresql");
  const good = [
    "postgres://localhost/audit",
    "postgresql://user:pa%2Fss@db.example.com:5432/audit?sslmode=require",
    "postgres://user@one:5432,two:5433/audit",
    "postgres://[::1]:5432/audit",
  ];
  for (const text of good) assert.deepEqual(database.parse(text), { value: text });
  for (const text of [
    "",
    "localhost",
    "mysql://localhost/a",
    "postgres:///audit",
    "postgres://host:port/a",
    "postgres://a,/b",
  ]) {
    assert.equal(database.parse(text), undefined, text);
  }
});

test("words are taken exactly", () => {
  assert.deepEqual(["true", "false", "TRUE", "1", "yes"].map(boolean.parse), [
    { value: true },
    { value: false },
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(["json", "JSON"].map(oneOf("json", "text").parse), [{ value: "json" }, undefined]);
});
