/** Hashes of a full tile, and entries of a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

/** Levels of the tree that one tile spans: 2^8 = TILE_WIDTH. */
export const TILE_HEIGHT = 8;

/** Which tile: at level 0 stand leaf hashes, at each further one the roots of full tiles of the level below. */
export interface TileId {
  readonly level: number;
  readonly index: number;
}

/** A tile as it is in a tree of some size: 1 up to TILE_WIDTH hashes. */
export interface TileExtent extends TileId {
  readonly width: number;
}

/** Reads whole tiles as they stand now: one may hold more than it did in a tree of some earlier size. */
export interface TileReader {
  /** What is not there is left out of the answer. Its keys are `tileKey` of what was asked for. */
  tiles(ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>>;
}

/** The key of a tile in the answer of a TileReader. */
export function tileKey(id: TileId): string {
  return `${id.level}/${id.index}`;
}

/**
 * Path of a tile, or of a bundle of entries, below the log's prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/5`.
 *
 * @param width left out or TILE_WIDTH: the full one.
 */
export function tilePath(id: TileId | { readonly entries: number }, width: number = TILE_WIDTH): string {
  const [level, index] = "entries" in id ? ["entries", id.entries] : [id.level, id.index];
  const digits = String(index);
  const groups = digits.padStart(3 * Math.ceil(digits.length / 3), "0").match(/.{3}/g) as string[];
  const name = groups.map((group, place) => (place < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** What tilePath made the path of; nothing for any other text, also for another spelling of the same tile. */
export function parseTilePath(path: string): { level: number | "entries"; index: number; width: number } | undefined {
  const parts = TILE_PATH.exec(path);
  if (!parts) return undefined;
  const [, kind, name, partial] = parts as unknown as [string, string, string, string | undefined];
  const level = kind === "entries" ? kind : Number(kind);
  const index = Number(name.replaceAll(/[x/]/g, ""));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  if (!Number.isSafeInteger(index) || (partial !== undefined && width >= TILE_WIDTH)) return undefined;
  if (level !== "entries" && level > MAX_LEVEL) return undefined;
  return { level, index, width };
}

// 2^53 has 16 digits: at most five groups before the last. The first group of several is not 000.
const TILE_PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?!x000)(?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;
const MAX_LEVEL = 63;

/** The rightmost tile of each level in a tree of a size, level 0 first; none for the empty tree. */
export function tileWidths(size: number): TileExtent[] {
  const tiles: TileExtent[] = [];
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const index = Math.ceil(hashes / TILE_WIDTH) - 1;
    tiles.push({ level, index, width: hashes - index * TILE_WIDTH });
  }
  return tiles;
}
