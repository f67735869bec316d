import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { naiveRoot } from "../../../test/support/memory_tiles.ts";
import { CompactRange } from "./compact_range.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import { alignedSubtrees } from "./subtrees.ts";

const leaves = Array.from({ length: 600 }, (_, index) => leafHash(Buffer.from(`${index}`)));

test("appending leaf by leaf gives the root of the definition at every size", () => {
  const range = new CompactRange();
  assert.deepEqual(range.root(), EMPTY_ROOT);
  for (const [index, leaf] of leaves.entries()) {
    range.append(leaf);
    assert.equal(range.size, index + 1);
    assert.deepEqual(range.root(), naiveRoot(leaves.slice(0, index + 1)));
    assert.equal(range.hashes.length, alignedSubtrees(0, range.size).length);
  }
});

test("a range goes on from what another gave", () => {
  fc.assert(
    fc.property(fc.nat(leaves.length), (size) => {
      const before = new CompactRange();
      for (const leaf of leaves.slice(0, size)) before.append(leaf);
      const after = CompactRange.from(size, before.hashes);
      for (const leaf of leaves.slice(size)) after.append(leaf);
      assert.deepEqual(after.root(), naiveRoot(leaves));
      assert.deepEqual(before.root(), naiveRoot(leaves.slice(0, size)));
    }),
  );
});

test("what is no tree of a size, and subtrees that do not begin there, are refused", () => {
  const [hash] = leaves as [Buffer];
  for (const [size, hashes] of [
    [3, [hash]],
    [2, [hash, hash]],
    [0, [hash]],
    [-1, []],
    [0.5, [hash]],
  ] as const) {
    assert.throws(() => CompactRange.from(size, hashes), RangeError, `${size}`);
  }
  assert.throws(() => CompactRange.from(1, [hash.subarray(1)]), RangeError);
  const range = CompactRange.from(2, [hash]);
  for (const level of [2, 60, -1, 0.5]) assert.throws(() => range.appendSubtree(level, hash), RangeError, `${level}`);
  assert.equal(range.size, 2);
  assert.throws(() => new CompactRange().appendSubtree(53, hash), RangeError);
  range.appendSubtree(1, hash);
  assert.equal(range.size, 4);
  assert.equal(range.hashes.length, 1);
});

test("aligned subtrees cover a range without overlap, each as wide as its place and the end allow", () => {
  const end = fc.nat({ max: 2 ** 31 - 1 }).map((value) => value * 2 ** 21);
  const range = fc.tuple(fc.oneof(fc.nat({ max: 5_000 }), end), fc.oneof(fc.nat({ max: 5_000 }), end));
  fc.assert(
    fc.property(range, ([one, other]) => {
      const [first, last] = [Math.min(one, other), Math.max(one, other)];
      let next = first;
      for (const { level, index } of alignedSubtrees(first, last)) {
        assert.equal(index * 2 ** level, next);
        next += 2 ** level;
        assert.ok(index % 2 === 1 || next + 2 ** level > last, "a wider one would have fitted");
      }
      assert.equal(next, last);
    }),
  );
});
