import { HASH_BYTES } from "../entry.ts";
import { EMPTY_ROOT, nodeHash } from "./hash.ts";
import { alignedSubtrees, type Subtree } from "./subtrees.ts";
import { TILE_HEIGHT, TILE_WIDTH, type TileId, type TileReader, tileKey, tilePath } from "./tile.ts";

/** A tile that a tree of the given size must have is not there, or holds too few hashes. */
export class MissingHashesError extends Error {
  override readonly name = "MissingHashesError";
  readonly tile: TileId;

  constructor(tile: TileId, needed: number, held: number) {
    super(`${tilePath(tile)} must hold ${needed} hashes or more, and holds ${held}`);
    this.tile = tile;
  }
}

/** Leaves from `first` up to, not including, `end`. */
interface Range {
  readonly first: number;
  readonly end: number;
}

/**
 * Roots of the perfect subtrees that alignedSubtrees names for these leaves, left to right.
 *
 * @throws MissingHashesError, as all that read tiles do.
 */
export async function subtreeHashes(reader: TileReader, first: number, end: number): Promise<Buffer[]> {
  const subtrees = alignedSubtrees(first, end);
  const tiles = await reader.tiles(tilesOf(subtrees));
  return subtrees.map((subtree) => subtreeHash(tiles, subtree));
}

/** Root of the tree as it was when it had `size` leaves. */
export async function rootAt(reader: TileReader, size: number): Promise<Buffer> {
  return folded(await subtreeHashes(reader, 0, size));
}

/**
 * Proof that a leaf is in the tree of a size, from its sibling up (RFC 6962, 2.1.1).
 *
 * @throws RangeError unless index < size.
 */
export async function inclusionProof(reader: TileReader, index: number, size: number): Promise<Buffer[]> {
  if (!isBelow(index, size)) throw new RangeError(`no leaf ${index} is in a tree of ${size}`);
  const ranges: Range[] = [];
  let [first, end] = [0, size];
  while (end - first > 1) {
    const middle = first + largestPowerBelow(end - first);
    if (index < middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  return rangeHashes(reader, ranges.reverse());
}

/**
 * Proof that the tree of size `to` is that of size `from` with leaves appended (RFC 6962, 2.1.2). Empty when there is
 * nothing to prove: for equal sizes, and for the empty tree.
 *
 * @throws RangeError unless from ≤ to.
 */
export async function consistencyProof(reader: TileReader, from: number, to: number): Promise<Buffer[]> {
  if (from !== to && !isBelow(from, to))
    throw new RangeError(`a tree of ${to} is none of ${from} with leaves appended`);
  if (from === 0) return [];
  const ranges: Range[] = [];
  let [first, end] = [0, to];
  while (end !== from) {
    const middle = first + largestPowerBelow(end - first);
    if (from <= middle) {
      ranges.push({ first: middle, end });
      end = middle;
    } else {
      ranges.push({ first, end: middle });
      first = middle;
    }
  }
  // The smaller tree's root is known to whoever asks; a part of it is not.
  if (first > 0) ranges.push({ first, end });
  return rangeHashes(reader, ranges.reverse());
}

/** Whether the proof shows that the leaf hash stands at an index of the tree of that size and root (RFC 9162, 2.1.3.2). */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Buffer,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (!isBelow(index, size) || !areHashes([leaf, root, ...proof])) return false;
  let hash = leaf;
  let [node, last] = [index, size - 1];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      [node, last] = upToRightChild(node, last);
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** Whether the proof shows that the second tree is the first one with leaves appended (RFC 9162, 2.1.4.2). */
export function verifyConsistency(
  from: number,
  fromRoot: Buffer,
  to: number,
  toRoot: Buffer,
  proof: readonly Buffer[],
): boolean {
  if ((from !== to && !isBelow(from, to)) || !isBelow(from, from + 1) || !areHashes([fromRoot, toRoot, ...proof]))
    return false;
  if (from === 0 && !fromRoot.equals(EMPTY_ROOT)) return false;
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot);
  if (from === 0) return proof.length === 0;

  let [node, last] = [from - 1, to - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // The smaller tree is one perfect subtree: its root is where the proof begins, and is left out of it.
  const [start, ...siblings] = node === 0 ? [fromRoot, ...proof] : proof;
  if (start === undefined) return false;
  let [before, after] = [start, start];
  for (const sibling of siblings) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      [node, last] = upToRightChild(node, last);
    } else {
      after = nodeHash(after, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && before.equals(fromRoot) && after.equals(toRoot);
}

/** Roots of ranges that each begin where a subtree at least as wide as they begins, with one read of tiles for all. */
async function rangeHashes(reader: TileReader, ranges: readonly Range[]): Promise<Buffer[]> {
  const subtrees = ranges.map(({ first, end }) => alignedSubtrees(first, end));
  const tiles = await reader.tiles(tilesOf(subtrees.flat()));
  return subtrees.map((parts) => folded(parts.map((part) => subtreeHash(tiles, part))));
}

/** Root over perfect subtrees of which each is smaller than the one before. */
function folded(hashes: readonly Buffer[]): Buffer {
  return (
    hashes.reduceRight<Buffer | undefined>((right, left) => (right ? nodeHash(left, right) : left), undefined) ??
    EMPTY_ROOT
  );
}

/** Where a subtree's hashes stand: `count` hashes of one tile. */
function placeOf({ level, index }: Subtree): { tile: TileId; start: number; count: number } {
  const count = 2 ** (level % TILE_HEIGHT);
  const start = index * count;
  const tile = { level: Math.floor(level / TILE_HEIGHT), index: Math.floor(start / TILE_WIDTH) };
  return { tile, start: start % TILE_WIDTH, count };
}

function tilesOf(subtrees: readonly Subtree[]): TileId[] {
  const ids = subtrees.map((subtree) => placeOf(subtree).tile);
  return [...new Map(ids.map((id) => [tileKey(id), id])).values()];
}

function subtreeHash(tiles: ReadonlyMap<string, Buffer>, subtree: Subtree): Buffer {
  const { tile, start, count } = placeOf(subtree);
  const bytes = tiles.get(tileKey(tile)) ?? Buffer.alloc(0);
  const held = Math.floor(bytes.length / HASH_BYTES);
  if (held < start + count) throw new MissingHashesError(tile, start + count, held);
  let row = Array.from({ length: count }, (_, place) => {
    const at = HASH_BYTES * (start + place);
    return bytes.subarray(at, at + HASH_BYTES);
  });
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, pair) =>
      nodeHash(row[2 * pair] as Buffer, row[2 * pair + 1] as Buffer),
    );
  }
  return row[0] as Buffer;
}

/** Past the levels at which the node, being the last and a left child, has no sibling. */
function upToRightChild(node: number, last: number): [number, number] {
  while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
  return [node, last];
}

function largestPowerBelow(width: number): number {
  let power = 1;
  while (2 * power < width) power *= 2;
  return power;
}

// By division: the operators on bits end at 2^32.
function half(value: number): number {
  return Math.floor(value / 2);
}

function isBelow(value: number, limit: number): boolean {
  return Number.isSafeInteger(value) && Number.isSafeInteger(limit) && value >= 0 && value < limit;
}

function areHashes(values: readonly Buffer[]): boolean {
  return values.every((value) => value.length === HASH_BYTES);
}
