import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { labelValue, objectName } from "./names.ts";

test("what Kubernetes takes stays as it is", () => {
  for (const text of ["a", "rr-1", "A.b_c-9", "x".repeat(63)]) assert.equal(labelValue(text), text);
  for (const text of ["a", "rr-1.x", "9".repeat(253)]) assert.equal(objectName(text), text);
});

test("any text becomes what Kubernetes takes, and two texts stay two", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 300, unit: "binary" }), (text) => {
      assert.match(labelValue(text), /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
      assert.match(objectName(text), /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    }),
  );
  assert.notEqual(labelValue(`${"x".repeat(99)}1`), labelValue(`${"x".repeat(99)}2`));
});
