import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryTiles, naiveRoot } from "../../../test/support/memory_tiles.ts";
import { vector } from "../../../test/support/vectors.ts";
import { CompactRange } from "./compact_range.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import {
  consistencyProof,
  inclusionProof,
  MissingHashesError,
  rootAt,
  subtreeHashes,
  verifyConsistency,
  verifyInclusion,
} from "./proofs.ts";
import { alignedSubtrees } from "./subtrees.ts";

interface TreeVector {
  readonly leaves: readonly string[];
  readonly roots: readonly string[];
  readonly inclusion_proofs: readonly { index: number; size: number; hashes: readonly string[] }[];
  readonly consistency_proofs: readonly { from: number; to: number; hashes: readonly string[] }[];
}

const published = vector<TreeVector>("merkle-tree");
const publishedLeaves = published.leaves.map((leaf) => leafHash(Buffer.from(leaf, "hex")));
const publishedRoot = (size: number) => Buffer.from(published.roots[size] as string, "hex");
const toHex = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString("hex"));
const fromHex = (hashes: readonly string[]) => hashes.map((hash) => Buffer.from(hash, "hex"));

const MOST = 1_200;
const leaves = Array.from({ length: MOST }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const tiles = new MemoryTiles(leaves);
const roots = rootsOf(leaves);
const root = (size: number) => roots[size] as Buffer;

test("the published roots and proofs of the reference tree are what the tiles give", async () => {
  const reference = new MemoryTiles(publishedLeaves);
  for (const [size, hash] of published.roots.entries()) {
    assert.equal((await rootAt(reference, size)).toString("hex"), hash);
    assert.equal(naiveRoot(publishedLeaves.slice(0, size)).toString("hex"), hash);
  }
  for (const { index, size, hashes } of published.inclusion_proofs) {
    assert.deepEqual(toHex(await inclusionProof(reference, index, size)), hashes);
    const leaf = publishedLeaves[index] as Buffer;
    assert.ok(verifyInclusion(index, size, leaf, fromHex(hashes), publishedRoot(size)));
  }
  for (const { from, to, hashes } of published.consistency_proofs) {
    assert.deepEqual(toHex(await consistencyProof(reference, from, to)), hashes);
    assert.ok(verifyConsistency(from, publishedRoot(from), to, publishedRoot(to), fromHex(hashes)));
  }
});

test("the root of each size, from tiles of a larger tree, is the one of the definition", async () => {
  for (let size = 0; size <= MOST; size += size < 300 ? 1 : 37) {
    assert.deepEqual(await rootAt(tiles, size), naiveRoot(leaves.slice(0, size)), `${size} leaves`);
    assert.deepEqual(root(size), await rootAt(tiles, size), `${size} leaves`);
  }
});

const sizeAndIndex = fc
  .integer({ min: 1, max: MOST })
  .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));

test("an inclusion proof verifies, and does not with any bit of it changed", async () => {
  await fc.assert(
    fc.asyncProperty(sizeAndIndex, fc.nat(), fc.nat(), async ([size, index], place, bit) => {
      const leaf = leaves[index] as Buffer;
      const proof = await inclusionProof(tiles, index, size);
      assert.ok(verifyInclusion(index, size, leaf, proof, root(size)));
      const [otherLeaf, otherRoot, ...otherProof] = flipped([leaf, root(size), ...proof], place, bit);
      assert.ok(!verifyInclusion(index, size, otherLeaf as Buffer, otherProof, otherRoot as Buffer));
      assert.ok(!verifyInclusion(index ^ 1, size, leaf, proof, root(size)) || size === 1);
      for (const wrong of reshaped(proof)) assert.ok(!verifyInclusion(index, size, leaf, wrong, root(size)));
    }),
    { numRuns: 400 },
  );
});

test("consistency is proven between any two of the small sizes", async () => {
  for (let to = 0; to <= 70; to += 1) {
    for (let from = 0; from <= to; from += 1) {
      const proof = await consistencyProof(tiles, from, to);
      assert.ok(verifyConsistency(from, root(from), to, root(to), proof), `${from} to ${to}`);
      if (from > 0) assert.ok(!verifyConsistency(from, root(from - 1), to, root(to), proof), `${from} to ${to}`);
      assert.ok(from === to || !verifyConsistency(to, root(to), from, root(from), proof), `${to} to ${from}`);
    }
  }
});

test("a consistency proof verifies, and does not with any bit of it changed", async () => {
  const sizes = sizeAndIndex.map(([to, index]): [number, number] => [index + 1, to]);
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async ([from, to], place, bit) => {
      const proof = await consistencyProof(tiles, from, to);
      assert.ok(verifyConsistency(from, root(from), to, root(to), proof));
      const [first, second, ...other] = flipped([root(from), root(to), ...proof], place, bit);
      assert.ok(!verifyConsistency(from, first as Buffer, to, second as Buffer, other));
      for (const wrong of reshaped(proof)) assert.ok(!verifyConsistency(from, root(from), to, root(to), wrong));
    }),
    { numRuns: 400 },
  );
});

test("a proof for a smaller tree proves nothing of a larger one", async () => {
  const leaf = leaves[0] as Buffer;
  const proof = await inclusionProof(tiles, 0, 2);
  assert.ok(verifyInclusion(0, 2, leaf, proof, root(2)));
  assert.ok(!verifyInclusion(0, 8, leaf, proof, root(2)));
  const consistency = await consistencyProof(tiles, 1, 2);
  assert.ok(verifyConsistency(1, root(1), 2, root(2), consistency));
  assert.ok(!verifyConsistency(1, root(1), 8, root(2), consistency));
});

test("the empty tree is consistent with every other, without a proof", async () => {
  assert.deepEqual(await consistencyProof(tiles, 0, 5), []);
  assert.ok(verifyConsistency(0, EMPTY_ROOT, 5, root(5), []));
  assert.ok(verifyConsistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, []));
  assert.ok(!verifyConsistency(0, root(5), 5, root(5), []));
  assert.ok(!verifyConsistency(0, EMPTY_ROOT, 5, root(5), [root(1)]));
  assert.ok(!verifyConsistency(5, root(5), 5, root(5), [root(1)]));
});

test("hashes of aligned subtrees fold to the root, with the leaves between them or without", async () => {
  await fc.assert(
    fc.asyncProperty(sizeAndIndex, fc.nat(), async ([size, first], length) => {
      const end = first + (length % (size - first + 1));
      const range = new CompactRange();
      await appendGap(range, 0, first);
      for (const leaf of leaves.slice(first, end)) range.append(leaf);
      await appendGap(range, end, size);
      assert.deepEqual(range.root(), root(size));
    }),
  );
});

async function appendGap(range: CompactRange, first: number, end: number): Promise<void> {
  const hashes = await subtreeHashes(tiles, first, end);
  for (const [place, { level }] of alignedSubtrees(first, end).entries()) {
    range.appendSubtree(level, hashes[place] as Buffer);
  }
}

test("a tree of three levels of tiles: a proof takes one read of a tile or two for each of them", async () => {
  const many = Array.from({ length: 70_000 }, (_, index) => leafHash(Buffer.from(`${index}`)));
  const reader = new MemoryTiles(many);
  const whole = naiveRoot(many);
  assert.deepEqual(await rootAt(reader, many.length), whole);
  for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
    reader.reads.length = 0;
    const proof = await inclusionProof(reader, index, many.length);
    assert.ok(verifyInclusion(index, many.length, many[index] as Buffer, proof, whole));
    assert.equal(reader.reads.length, 1);
    assert.ok((reader.reads[0] as string[]).length <= 6);
    const size = index + 1;
    const consistency = await consistencyProof(reader, size, many.length);
    assert.ok(verifyConsistency(size, await rootAt(reader, size), many.length, whole, consistency));
  }
});

test("an index or size beyond the tree is refused", async () => {
  await assert.rejects(inclusionProof(tiles, 5, 5), RangeError);
  await assert.rejects(inclusionProof(tiles, -1, 5), RangeError);
  await assert.rejects(inclusionProof(tiles, 0.5, 5), RangeError);
  await assert.rejects(consistencyProof(tiles, 6, 5), RangeError);
  await assert.rejects(consistencyProof(tiles, 1, 2 ** 53), RangeError);
  await assert.rejects(subtreeHashes(tiles, 6, 5), RangeError);
  assert.ok(!verifyInclusion(1, 1, root(1), [], root(1)));
  assert.ok(!verifyInclusion(0, 0, root(1), [], root(1)));
  assert.ok(!verifyInclusion(0, 1, Buffer.alloc(31), [], Buffer.alloc(31)));
  assert.ok(!verifyConsistency(-1, root(1), 1, root(1), []));
});

test("a tile that is not there or too short is named", async () => {
  const reader = new MemoryTiles(leaves.slice(0, 300));
  reader.cut({ level: 0, index: 1 }, 40);
  const short = { name: "MissingHashesError", message: "tile/0/001 must hold 44 hashes or more, and holds 40" };
  await assert.rejects(rootAt(reader, 300), short);
  assert.deepEqual(await rootAt(reader, 296), naiveRoot(leaves.slice(0, 296)));
  reader.cut({ level: 0, index: 0 }, 0);
  await assert.rejects(inclusionProof(reader, 0, 296), (error) => {
    assert.ok(error instanceof MissingHashesError);
    assert.deepEqual(error.tile, { level: 0, index: 0 });
    return true;
  });
});

test("sizes beyond 2^32 verify by the same rules", () => {
  // A path of which every level is known: the leaf is the last of a tree of 2^40 + 1.
  const leaf = leaves[0] as Buffer;
  const [left] = leaves.slice(1) as [Buffer];
  const range = CompactRange.from(2 ** 40, [left]);
  range.append(leaf);
  assert.ok(verifyInclusion(2 ** 40, 2 ** 40 + 1, leaf, [left], range.root()));
  assert.ok(verifyConsistency(2 ** 40, left, 2 ** 40 + 1, range.root(), [leaf]));
  assert.ok(!verifyInclusion(0, 2 ** 40 + 1, leaf, [left], range.root()));
});

/** Roots of all sizes from 0 on. */
function rootsOf(hashes: readonly Buffer[]): Buffer[] {
  const range = new CompactRange();
  const roots = [range.root()];
  for (const hash of hashes) {
    range.append(hash);
    roots.push(range.root());
  }
  return roots;
}

/** The hashes with one bit of one of them changed. */
function flipped(hashes: readonly Buffer[], place: number, bit: number): Buffer[] {
  return hashes.map((hash, index) => {
    if (index !== place % hashes.length) return hash;
    const other = Buffer.from(hash);
    const at = bit % 256;
    other[at >> 3] = (other[at >> 3] as number) ^ (1 << (at & 7));
    return other;
  });
}

/** Proofs with a hash too few, too many, or out of order. */
function reshaped(proof: readonly Buffer[]): Buffer[][] {
  const longer = [
    [...proof, root(7)],
    [root(7), ...proof],
  ];
  if (proof.length === 0) return longer;
  const shorter = [proof.slice(1), proof.slice(0, -1)];
  return proof.length === 1 ? [...longer, ...shorter] : [...longer, ...shorter, proof.toReversed()];
}
