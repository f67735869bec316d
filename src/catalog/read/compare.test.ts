import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Json, JsonObject } from "../../integrity/canonical.ts";
import { compareSpecs } from "./compare.ts";

/** Changes as `path: from -> to`. */
function told(from: JsonObject, to: JsonObject): string[] {
  return compareSpecs(from, to).map(({ path, fromJson, toJson }) => `${path}: ${fromJson} -> ${toJson}`);
}

describe("what differs", () => {
  test("is told by its path, in the order of the paths", () => {
    const from = { version: "1.0.0", labels: { severity: ["high"], priority: "P1" }, execution: { engine: "job" } };
    const to = { version: "1.1.0", labels: { severity: ["high", "low"], priority: "P1" }, actionType: "RestartPod" };
    assert.deepEqual(told(from, to), [
      'spec.actionType:  -> "RestartPod"',
      'spec.execution: {"engine":"job"} -> ',
      'spec.labels.severity: ["high"] -> ["high","low"]',
      'spec.version: "1.0.0" -> "1.1.0"',
    ]);
  });

  test("of parameters is told by their names", () => {
    const from = { parameters: [named("A", { default: 1 }), named("B"), named("C")], rollbackParameters: [named("R")] };
    const to = { parameters: [named("A", { default: 2 }), named("C"), named("D")], rollbackParameters: [] };
    assert.deepEqual(told(from, to), [
      "spec.parameters[A].default: 1 -> 2",
      'spec.parameters[B]: {"name":"B"} -> ',
      'spec.parameters[D]:  -> {"name":"D"}',
      'spec.rollbackParameters[R]: {"name":"R"} -> ',
    ]);
  });

  test("of named items may be their order alone", () => {
    const both = [named("A"), named("B")];
    assert.deepEqual(told({ parameters: both }, { parameters: both.toReversed() }), [
      'spec.parameters: [{"name":"A"},{"name":"B"}] -> [{"name":"B"},{"name":"A"}]',
    ]);
  });

  test("of items without names of their own is told of the whole list", () => {
    const twice = [named("A"), named("A", { x: 1 })];
    assert.deepEqual(told({ parameters: twice }, { parameters: [named("A")] }), [
      'spec.parameters: [{"name":"A"},{"name":"A","x":1}] -> [{"name":"A"}]',
    ]);
  });

  test("quotes keys and names that are no words", () => {
    assert.deepEqual(told({ customLabels: { "a.b": 1 }, list: [named("x]", { y: 1 })] }, { list: [named("x]")] }), [
      'spec.customLabels: {"a.b":1} -> ',
      'spec.list["x]"].y: 1 -> ',
    ]);
    assert.deepEqual(told({ customLabels: { 'a"b': 1 } }, { customLabels: { constructor: 2 } }), [
      "spec.customLabels.constructor:  -> 2",
      'spec.customLabels["a\\"b"]: 1 -> ',
    ]);
  });

  test("is told in 1,000 characters, none of them cut in two", () => {
    const [change] = compareSpecs({ a: "🙂".repeat(2000) }, { a: "" });
    assert.equal(change?.fromJson, `"${"🙂".repeat(999)}`);
  });
});

describe("for any two specs", () => {
  const item = fc.record({ name: fc.constantFrom("A", "B", "C"), default: fc.jsonValue({ maxDepth: 1 }) });
  const spec = fc.dictionary(
    fc.constantFrom("labels", "parameters", "a b", "x", "__proto__", "1"),
    fc.oneof(fc.array(item, { maxLength: 3 }), fc.jsonValue({ maxDepth: 3 })),
  ) as fc.Arbitrary<JsonObject>;

  test("equal ones have no changes, others have some", () => {
    fc.assert(
      fc.property(spec, spec, (from, to) => {
        assert.deepEqual(compareSpecs(from, structuredClone(from)), []);
        const equal = sorted(from) === sorted(to);
        assert.equal(compareSpecs(from, to).length === 0, equal);
      }),
    );
  });

  test("the other way round, each change is the other way round", () => {
    fc.assert(
      fc.property(spec, spec, (from, to) => {
        const back = compareSpecs(to, from).map(({ path, fromJson, toJson }) => {
          return { path, fromJson: toJson, toJson: fromJson };
        });
        assert.deepEqual(compareSpecs(from, to), back);
      }),
    );
  });

  test("each path is told once, and what is told there differs", () => {
    fc.assert(
      fc.property(spec, spec, (from, to) => {
        const changes = compareSpecs(from, to);
        assert.equal(new Set(changes.map(({ path }) => path)).size, changes.length);
        for (const { fromJson, toJson } of changes) assert.notEqual(fromJson, toJson);
      }),
    );
  });
});

function named(name: string, members: JsonObject = {}): JsonObject {
  return { name, ...members };
}

/** JSON text with the keys of all objects in order, and without the sign of -0, which JSON text does not keep. */
function sorted(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))
      : inner,
  );
}
