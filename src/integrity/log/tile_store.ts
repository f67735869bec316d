import type { Database } from "../../postgres/database.ts";
import { readRows } from "../../postgres/read.ts";
import { type TileId, type TileReader, tileKey } from "../merkle/tile.ts";
import { bundlesStatement, tilesStatement } from "./reader_statements.ts";

/** Bytes of full tiles and bundles that are kept in memory. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** 256 hashes or entries. */
const FULL_BYTES = 8192;

/**
 * The tree's tiles and the bundles of entries as the database has them. Full ones never change and are kept in memory, 16 MiB
 * at most; those that still grow are read anew each time.
 *
 * Each method runs one statement at most, and throws Fault `unavailable` while the database cannot be read.
 */
export class TileStore implements TileReader {
  readonly #database: Database;
  /** By tileKey or `entries/index`, the one used last at the end. */
  readonly #full = new Map<string, Buffer>();
  readonly #unending = new AbortController().signal;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Tiles by tileKey, whole as they stand now: one that grows may hold more than a tree of some size had. Absent: not there. */
  async tiles(ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const wanted = ids.filter((id) => !this.#take(tileKey(id), found, tileKey(id)));
    if (wanted.length === 0) return found;
    for (const { level, tile_index, hashes } of await this.#read<TileRow>(tilesStatement(wanted))) {
      const key = tileKey({ level, index: Number(tile_index) });
      this.#keep(key, hashes);
      found.set(key, hashes);
    }
    return found;
  }

  /** Bundles of entries by their index, 32 bytes an entry. Absent: not there. */
  async entries(bundleIndexes: readonly number[]): Promise<ReadonlyMap<number, Buffer>> {
    const found = new Map<number, Buffer>();
    const wanted = bundleIndexes.filter((index) => !this.#take(`entries/${index}`, found, index));
    if (wanted.length === 0) return found;
    for (const { bundle_index, entries } of await this.#read<BundleRow>(bundlesStatement(wanted))) {
      this.#keep(`entries/${bundle_index}`, entries);
      found.set(Number(bundle_index), entries);
    }
    return found;
  }

  /** Forgets what is in memory: the log was found to be another than it was, as after the database was restored. */
  forget(): void {
    this.#full.clear();
  }

  #read<R extends object>(statement: ReturnType<typeof tilesStatement>): Promise<readonly R[]> {
    return readRows<R>(this.#database, statement, this.#unending);
  }

  /** Gives what is in memory; false: it is not. */
  #take<K>(key: string, found: Map<K, Buffer>, as: K): boolean {
    const bytes = this.#full.get(key);
    if (bytes === undefined) return false;
    this.#full.delete(key);
    this.#full.set(key, bytes);
    found.set(as, bytes);
    return true;
  }

  #keep(key: string, bytes: Buffer): void {
    if (bytes.length !== FULL_BYTES) return;
    this.#full.set(key, bytes);
    if (this.#full.size * FULL_BYTES <= CACHE_BYTES) return;
    const [oldest] = this.#full.keys();
    this.#full.delete(oldest as string);
  }
}

interface TileRow {
  readonly level: number;
  readonly tile_index: string;
  readonly hashes: Buffer;
}

interface BundleRow {
  readonly bundle_index: string;
  readonly entries: Buffer;
}
