import { HASH_BYTES } from "../../integrity/entry.ts";
import { CompactRange } from "../../integrity/merkle/compact_range.ts";
import { TILE_WIDTH } from "../../integrity/merkle/tile.ts";
import type { CheckContext } from "../check.ts";
import { statement } from "../statement.ts";

const TILES = statement("log_tiles");

/** A row of tiles, or of bundles: what 256 hashes or entries in a row are. */
export interface TileRow {
  readonly index: number;
  readonly hashes: readonly Buffer[];
}

/** Cuts up hashes that stand one after the other, in hex. */
export function hashesOf(hex: string): Buffer[] {
  const bytes = Buffer.from(hex, "hex");
  const hashes: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.subarray(at, at + HASH_BYTES));
  return hashes;
}

/** Holds the tiles of one level from 1 on against the full ones below, tile by tile as these are given. */
export class TileLevel {
  readonly #context: CheckContext<"log">;
  readonly #level: number;
  readonly #rows: AsyncGenerator<TileRow, undefined>;
  #row: TileRow | undefined;
  #begun = false;
  /** Of the tile that is being filled. */
  #hashes: Buffer[] = [];
  #count = 0;
  #above: TileLevel | undefined;

  constructor(context: CheckContext<"log">, level: number) {
    this.#context = context;
    this.#level = level;
    this.#rows = tilesOf(context.snapshot, level);
  }

  /** Takes the root of the next full tile below. */
  async take(expected: Buffer): Promise<void> {
    const index = Math.floor(this.#count / TILE_WIDTH);
    const place = this.#count % TILE_WIDTH;
    if (place === 0) await this.#advance(index);
    const stored = this.#row?.index === index ? this.#row.hashes[place] : undefined;
    const name = `tile ${this.#level}/${index}, hash ${place}`;
    const { report } = this.#context;
    if (stored === undefined) await report.fault("no_tile", { name });
    else if (!stored.equals(expected)) {
      await report.fault("tile", { name, expected: expected.toString("hex"), found: stored.toString("hex") });
    }
    // What follows from a wrong hash is not wrong as well.
    this.#hashes.push(stored ?? expected);
    this.#count++;
    if (this.#hashes.length < TILE_WIDTH) return;
    this.#above ??= new TileLevel(this.#context, this.#level + 1);
    await this.#above.take(rootOf(this.#hashes));
    this.#hashes = [];
  }

  /** Tells of tiles and hashes beyond those that were given, at this level and all above. */
  async end(): Promise<void> {
    const last = Math.floor(this.#count / TILE_WIDTH);
    await this.#advance(last);
    const width = this.#count % TILE_WIDTH;
    while (this.#row !== undefined) {
      const wanted = this.#row.index === last ? width : 0;
      if (this.#row.hashes.length > wanted) await this.#tellWidth(this.#row, wanted);
      await this.#next();
    }
    await (this.#above ?? (this.#level < MAX_LEVEL ? new TileLevel(this.#context, this.#level + 1) : undefined))?.end();
  }

  async #tellWidth({ index, hashes }: TileRow, wanted: number): Promise<void> {
    const [expected, found] = [`${wanted} hashes`, `${hashes.length}`];
    await this.#context.report.fault("width", { name: `tile ${this.#level}/${index}`, expected, found });
  }

  async #advance(index: number): Promise<void> {
    if (!this.#begun) await this.#next();
    while (this.#row !== undefined && this.#row.index < index) await this.#next();
  }

  async #next(): Promise<void> {
    this.#begun = true;
    this.#row = (await this.#rows.next()).value;
  }
}

/** 2^53 entries have no more. */
const MAX_LEVEL = 6;

/** Root of a full tile. */
export function rootOf(hashes: readonly Buffer[]): Buffer {
  const range = new CompactRange();
  for (const hash of hashes) range.append(hash);
  return range.root();
}

async function* tilesOf(snapshot: CheckContext<"log">["snapshot"], level: number): AsyncGenerator<TileRow, undefined> {
  for await (const page of snapshot.texts(TILES, [String(level)])) {
    for (const text of page) {
      const [index, hashes = ""] = text.split("\u001f");
      yield { index: Number(index), hashes: hashesOf(hashes) };
    }
  }
  return undefined;
}
