import { HASH_BYTES } from "../../src/integrity/entry.ts";
import { EMPTY_ROOT, nodeHash } from "../../src/integrity/merkle/hash.ts";
import { TILE_WIDTH, type TileId, type TileReader, tileKey } from "../../src/integrity/merkle/tile.ts";

/** The tiles of a tree, cut from its leaf hashes level by level, and what was read of them. */
export class MemoryTiles implements TileReader {
  /** Calls so far, each with the keys it asked for. */
  readonly reads: string[][] = [];
  readonly #tiles = new Map<string, Buffer>();

  constructor(leaves: readonly Buffer[]) {
    for (let level = 0, row = leaves; row.length > 0; level += 1) {
      const next: Buffer[] = [];
      for (let index = 0; index * TILE_WIDTH < row.length; index += 1) {
        const hashes = row.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH);
        this.#tiles.set(tileKey({ level, index }), Buffer.concat(hashes));
        if (hashes.length === TILE_WIDTH) next.push(naiveRoot(hashes));
      }
      row = next;
    }
  }

  async tiles(ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>> {
    const keys = ids.map(tileKey);
    this.reads.push(keys);
    return new Map(keys.flatMap((key) => (this.#tiles.has(key) ? [[key, this.#tiles.get(key) as Buffer]] : [])));
  }

  /** Makes a tile hold this many hashes, or none of it be there. */
  cut(id: TileId, hashes: number): void {
    const tile = this.#tiles.get(tileKey(id)) as Buffer;
    if (hashes === 0) this.#tiles.delete(tileKey(id));
    else this.#tiles.set(tileKey(id), tile.subarray(0, hashes * HASH_BYTES));
  }
}

/** Root over leaf hashes, word for word as RFC 6962, 2.1 defines it. */
export function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return leaves[0] as Buffer;
  let middle = 1;
  while (2 * middle < leaves.length) middle *= 2;
  return nodeHash(naiveRoot(leaves.slice(0, middle)), naiveRoot(leaves.slice(middle)));
}
