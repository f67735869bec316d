import { CompactRange } from "../merkle/compact_range.ts";
import { leafHash } from "../merkle/hash.ts";

/** The log's Merkle tree, put together again from left to right; keeps at most 53 hashes of it. */
export class Fold {
  readonly #range = new CompactRange();

  /** Entries so far: the log_index that comes next. */
  get size(): number {
    return this.#range.size;
  }

  /** Root of the tree so far, in hex. */
  get root(): string {
    return this.#range.root().toString("hex");
  }

  /** Appends the entry of an event, given in hex. */
  append(entry: string): void {
    this.#range.append(leafHash(Buffer.from(entry, "hex")));
  }

  /** Appends subtrees of these levels, from the next entry on, by their roots. */
  appendSubtrees(levels: readonly number[], roots: readonly Buffer[]): void {
    for (const [index, level] of levels.entries()) this.#range.appendSubtree(level, roots[index] as Buffer);
  }
}
