import { HASH_BYTES } from "../entry.ts";
import { EMPTY_ROOT, nodeHash } from "./hash.ts";
import { alignedSubtrees } from "./subtrees.ts";

/**
 * A Merkle tree that leaves are appended to, of which only the roots of the perfect subtrees along its right edge are kept:
 * at most 53 hashes, whatever its size. Hashes that are handed in are kept as they are and must not be written to afterwards.
 */
export class CompactRange {
  #size = 0;
  #hashes: Buffer[] = [];

  /**
   * The tree of a size, of what `hashes` gave for it.
   *
   * @throws RangeError when these are not the hashes of a tree of that size.
   */
  static from(size: number, hashes: readonly Buffer[]): CompactRange {
    const expected = alignedSubtrees(0, size).length;
    if (hashes.length !== expected || hashes.some((hash) => hash.length !== HASH_BYTES)) {
      throw new RangeError(`a tree of ${size} leaves is kept as ${expected} hashes of ${HASH_BYTES} bytes`);
    }
    const range = new CompactRange();
    range.#size = size;
    range.#hashes = [...hashes];
    return range;
  }

  /** Leaves of the tree. */
  get size(): number {
    return this.#size;
  }

  /** Roots of the perfect subtrees it is made of, the largest one, which is the leftmost, first. */
  get hashes(): readonly Buffer[] {
    return this.#hashes;
  }

  /** Appends the hash of one leaf. */
  append(leaf: Buffer): void {
    this.#push(this.#size, leaf);
    this.#size += 1;
  }

  /**
   * Appends all leaves of a perfect subtree by its root.
   *
   * @param level log2 of its leaves.
   * @throws RangeError when the size so far is no multiple of 2^level: no such subtree begins there.
   */
  appendSubtree(level: number, hash: Buffer): void {
    const width = 2 ** level;
    if (
      !Number.isInteger(level) ||
      level < 0 ||
      this.#size % width !== 0 ||
      !Number.isSafeInteger(this.#size + width)
    ) {
      throw new RangeError(`no subtree of 2^${level} leaves begins at leaf ${this.#size}`);
    }
    this.#push(this.#size / width, hash);
    this.#size += width;
  }

  /** Root of the tree as it is (RFC 6962, 2.1). */
  root(): Buffer {
    return (
      this.#hashes.reduceRight<Buffer | undefined>(
        (right, left) => (right ? nodeHash(left, right) : left),
        undefined,
      ) ?? EMPTY_ROOT
    );
  }

  /** Puts a subtree at the right edge and joins what has become perfect. `index`: how many of its width stand before it. */
  #push(index: number, hash: Buffer): void {
    let joined = hash;
    // By division: the operators on bits end at 2^32.
    for (let left = index; left % 2 === 1; left = (left - 1) / 2) {
      joined = nodeHash(this.#hashes.pop() as Buffer, joined);
    }
    this.#hashes.push(joined);
  }
}
