import { HASH_BYTES } from "../entry.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "../merkle/hash.ts";
import { TILE_WIDTH, type TileId, tileKey } from "../merkle/tile.ts";

/** A tile or a bundle of entries that is to be written: whole, 32 bytes a hash or entry. */
export interface Piece {
  readonly index: number;
  readonly bytes: Buffer;
}

/** A tile that is to be written. */
export interface TilePiece extends Piece {
  readonly level: number;
}

/** What the tiles hold contradicts itself, or what the state says of them. */
export class TreeContradiction extends Error {}

/**
 * The right edge of the tree: the tiles of every level that are not full yet, and the bundle of entries. It is all that it
 * takes to make the tree longer. Small whatever the size of the tree: 8 KiB a level.
 */
export class TreeEdge {
  #size = 0;
  readonly #levels: Filling[] = [];
  readonly #bundle = new Filling();
  #full: TilePiece[] = [];
  #fullBundles: Piece[] = [];

  /** What has to be read to stand at the edge of a tree of a size, and the bundle with the last entries of it. */
  static needs(size: number): { readonly tiles: readonly TileId[]; readonly bundle: number | undefined } {
    const tiles = edgeTiles(size).filter(({ width }) => width > 0);
    return { tiles, bundle: size % TILE_WIDTH === 0 ? undefined : Math.floor(size / TILE_WIDTH) };
  }

  /**
   * The edge of a tree of a size, from what TreeEdge.needs says. Tiles and bundle may hold more than the tree of that size had.
   *
   * @throws TreeContradiction where one is missing, or the entries are not those of the leaves.
   */
  static from(size: number, tiles: ReadonlyMap<string, Buffer>, bundle: Buffer | undefined): TreeEdge {
    const edge = new TreeEdge();
    edge.#size = size;
    for (const { level, index, width } of edgeTiles(size)) {
      edge.#level(level).fill(index, width, tiles.get(tileKey({ level, index })), `tile ${level}/${index}`);
    }
    const index = Math.floor(size / TILE_WIDTH);
    edge.#bundle.fill(index, size % TILE_WIDTH, bundle, `bundle ${index}`);
    edge.#checkEntries();
    return edge;
  }

  /** Entries of the tree. */
  get size(): number {
    return this.#size;
  }

  /** Makes the tree longer by an entry of 32 bytes. */
  append(entry: Buffer): void {
    this.#bundle.push(entry);
    if (this.#bundle.count === TILE_WIDTH) this.#fullBundles.push(this.#bundle.take());
    let hash = leafHash(entry);
    for (let level = 0; ; level++) {
      const tile = this.#level(level);
      tile.push(hash);
      if (tile.count < TILE_WIDTH) break;
      hash = subtreeRoot(tile.hashes());
      this.#full.push({ level, ...tile.take() });
    }
    this.#size++;
  }

  /** Root of the tree (RFC 6962, 2.1). */
  root(): Buffer {
    let right: Buffer | undefined;
    for (const tile of this.#levels) {
      const hashes = tile.hashes();
      if (right !== undefined) hashes.push(right);
      if (hashes.length > 0) right = subtreeRoot(hashes);
    }
    return right ?? EMPTY_ROOT;
  }

  /** What has changed since the last call. */
  takeChanges(): { readonly tiles: readonly TilePiece[]; readonly bundles: readonly Piece[] } {
    const partial = this.#levels.flatMap((tile, level) => tile.takeChanged().map((piece) => ({ level, ...piece })));
    const tiles = [...this.#full, ...partial];
    const bundles = [...this.#fullBundles, ...this.#bundle.takeChanged()];
    this.#full = [];
    this.#fullBundles = [];
    return { tiles, bundles };
  }

  #level(level: number): Filling {
    while (this.#levels.length <= level) this.#levels.push(new Filling());
    return this.#levels[level] as Filling;
  }

  #checkEntries(): void {
    const leaves = this.#level(0).hashes();
    const entries = this.#bundle.hashes();
    const wrong = entries.findIndex((entry, place) => !leafHash(entry).equals(leaves[place] as Buffer));
    if (wrong < 0) return;
    const index = this.#bundle.index * TILE_WIDTH + wrong;
    throw new TreeContradiction(`entry ${index} is not that of its leaf`);
  }
}

/** Where the next hash of each level goes in a tree of a size: behind so many hashes of which tile. */
function edgeTiles(size: number): { readonly level: number; readonly index: number; readonly width: number }[] {
  const tiles = [];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    tiles.push({ level, index: Math.floor(hashes / TILE_WIDTH), width: hashes % TILE_WIDTH });
  }
  return tiles;
}

/**
 * Root over subtrees of one size, of which the last may be smaller. The left one of the two halves is always the largest power
 * of two that leaves something for the right one.
 */
function subtreeRoot(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1) {
    const above: Buffer[] = [];
    for (let place = 0; place < row.length; place += 2) {
      const [left, right] = [row[place] as Buffer, row[place + 1]];
      above.push(right === undefined ? left : nodeHash(left, right));
    }
    row = above;
  }
  return row[0] as Buffer;
}

/** A tile or bundle that fills. */
class Filling {
  index = 0;
  count = 0;
  #bytes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
  #changed = false;

  push(hash: Buffer): void {
    this.#bytes.set(hash, HASH_BYTES * this.count);
    this.count++;
    this.#changed = true;
  }

  fill(index: number, count: number, bytes: Buffer | undefined, name: string): void {
    if (count > 0 && (bytes === undefined || bytes.length < HASH_BYTES * count)) {
      throw new TreeContradiction(`${name} is missing, or holds fewer than ${count}`);
    }
    this.index = index;
    this.count = count;
    bytes?.copy(this.#bytes, 0, 0, HASH_BYTES * count);
  }

  hashes(): Buffer[] {
    return Array.from({ length: this.count }, (_, place) =>
      this.#bytes.subarray(HASH_BYTES * place, HASH_BYTES * (place + 1)),
    );
  }

  /** The full one; begins the next. */
  take(): Piece {
    const piece = { index: this.index, bytes: this.#bytes };
    this.index++;
    this.count = 0;
    this.#bytes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
    this.#changed = false;
    return piece;
  }

  takeChanged(): Piece[] {
    const changed = this.#changed && this.count > 0;
    this.#changed = false;
    return changed ? [{ index: this.index, bytes: this.#bytes.subarray(0, HASH_BYTES * this.count) }] : [];
  }
}
