import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { JsonObject } from "../integrity/canonical.ts";
import { type PayloadResult, pathText, payloadFromText, payloadFromValue } from "./payload.ts";

function text(result: PayloadResult): string {
  assert.ok("text" in result, JSON.stringify(result));
  return result.text;
}

/** Paths and rules that a payload breaks, as `path: first words of the rule`. */
function faults(result: PayloadResult): string[] {
  assert.ok("violations" in result, "the payload was taken");
  return result.violations.map(({ field, description }) => `${field}: ${description.slice(0, 24).trim()}`);
}

test("a payload is stored in its canonical form", () => {
  assert.equal(text(payloadFromText('{ "b":1.50, "a":[1e2,"\\u0061"] }', "p")), '{"a":[100,"a"],"b":1.5}');
  assert.equal(text(payloadFromText("{}", "p")), "{}");
  assert.equal(text(payloadFromValue({ b: 1, a: { d: null, c: -0 } }, "p")), '{"a":{"c":0,"d":null},"b":1}');
  assert.equal(text(payloadFromText('{"__proto__":{"a":1}}', "p")), '{"__proto__":{"a":1}}');
});

test("text that is no JSON object is refused as a whole", () => {
  for (const json of [
    "",
    "{",
    "[]",
    "1",
    "null",
    '"a"',
    "{} {}",
    "{'a':1}",
    '{"a":01}',
    '{"a":+1}',
    '{"a":NaN}',
    "\ufeff{}",
  ]) {
    assert.match(faults(payloadFromText(json, "p"))[0] as string, /^p: must be (a )?JSON/);
  }
});

const LOSSY = "must be a number that an";

test("numbers that a double cannot hold are refused, all others are taken", () => {
  const refused = [
    "9007199254740993",
    "0.10000000000000000001",
    "1e400",
    "-1e400",
    "123456789012345678901",
    "1e-400",
    "4.9e-324",
  ];
  for (const number of refused)
    assert.deepEqual(
      faults(payloadFromText(`{"n":${number}}`, "p")),
      [number.includes("e400") ? "p.n: must be a finite number" : `p.n: ${LOSSY}`],
      number,
    );
  const taken = {
    "0.1": "0.1",
    "1.0": "1",
    "-0": "0",
    "0e5": "0",
    "100e-2": "1",
    "9007199254740992": "9007199254740992",
    "1E3": "1000",
    "5e-324": "5e-324",
    "1.7976931348623157e308": "1.7976931348623157e+308",
    "123456789012345680000": "123456789012345680000",
    "0.30": "0.3",
  };
  for (const [number, canonical] of Object.entries(taken))
    assert.equal(text(payloadFromText(`{"n":${number}}`, "p")), `{"n":${canonical}}`);
});

test("every double is taken as JavaScript writes it", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      assert.equal(text(payloadFromText(`{ "n":${number} }`, "p")), JSON.stringify({ n: number }));
    }),
  );
});

test("a key that stands twice is refused with its path, however it is written", () => {
  assert.deepEqual(faults(payloadFromText('{"a":1,"b":{"c":1,"\\u0063":2}}', "p")), ["p.b.c: must not stand twice in"]);
  assert.deepEqual(faults(payloadFromText('{"a":1,"a":1}', "p")), ["p.a: must not stand twice in"]);
  assert.equal(text(payloadFromText('{"a":{"x":1},"b":{"x":1}}', "p")), '{"a":{"x":1},"b":{"x":1}}');
});

test("U+0000 and lone surrogates are refused in values and keys", () => {
  assert.deepEqual(faults(payloadFromValue({ a: ["\0", "\ud800"], "b\0": 1 }, "p")), [
    "p.a[0]: must not hold U+0000",
    "p.a[1]: must not hold a lone sur",
    'p["b\\u0000"]: must not hold U+0000',
  ]);
  assert.equal(text(payloadFromText('{"a":"\\ud83d\\ude00"}', "p")), '{"a":"😀"}');
});

test("ten levels are taken and eleven refused", () => {
  const nested = (levels: number): JsonObject => ({ a: levels === 1 ? 1 : nested(levels - 1) });
  assert.ok("text" in payloadFromValue(nested(10), "p"));
  assert.deepEqual(faults(payloadFromValue(nested(11), "p")), [`p${".a".repeat(10)}: must be nested at most 1`]);
  assert.ok("text" in payloadFromText(`{"a":${"[".repeat(9)}${"]".repeat(9)}}`, "p"));
  assert.ok("violations" in payloadFromText(`{"a":${"[".repeat(10)}${"]".repeat(10)}}`, "p"));
  // Deep enough to exhaust a recursive parser, beside a name that stands twice.
  assert.ok("violations" in payloadFromText(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)},"a":1}`, "p"));
});

test("the bound is on what is stored, exponents written out", () => {
  const room = 256 * 1024 - '{"a":""}'.length;
  assert.ok("text" in payloadFromValue({ a: "x".repeat(room) }, "p"));
  assert.deepEqual(faults(payloadFromValue({ a: "x".repeat(room + 1) }, "p")), ["p: must be at most 262144 b"]);
  assert.ok(
    "violations" in payloadFromValue({ a: "é".repeat(room / 2 + 1) }, "p"),
    "bytes are counted, not characters",
  );
  // jsonb writes 1e308 with 309 digits.
  assert.ok("violations" in payloadFromValue({ a: new Array(900).fill(1e308) }, "p"));
  assert.ok("violations" in payloadFromValue({ a: new Array(900).fill(5e-324) }, "p"));
  assert.ok("text" in payloadFromValue({ a: new Array(800).fill(1e308) }, "p"));
});

test("paths name members as JavaScript would, and long names are cut", () => {
  assert.equal(pathText(["p", "labels", "a b", 3, "x-y"]), 'p.labels["a b"][3].x-y');
  assert.equal(pathText(["p", "k".repeat(100)]), `p["${"k".repeat(64)}…"]`);
  assert.ok(pathText(["p", ...new Array(10).fill("\x01".repeat(64))]).length <= 501);
});
