import { subtreeHashes } from "../../integrity/merkle/proofs.ts";
import { type TileId, type TileReader, tileKey } from "../../integrity/merkle/tile.ts";

/** Consecutive entries of the log that are not in an export: the first and the last of them. */
export interface Gap {
  readonly first: number;
  readonly last: number;
}

/** Gaps that are proven with one read of tiles: some two tiles each, and fourteen at the very most. */
const GAPS_AT_ONCE = 64;

/**
 * The lines of proof for stretches of the log that an export leaves out (docs/integrity.md, "A bundle"): the roots of the largest
 * complete subtrees that cover each, left to right. One read of tiles for every 64.
 */
export async function* proofLines(tiles: TileReader, gaps: readonly Gap[]): AsyncGenerator<string> {
  for (let at = 0; at < gaps.length; at += GAPS_AT_ONCE) {
    const round = new TileRound(tiles);
    const wanted = gaps.slice(at, at + GAPS_AT_ONCE);
    const proofs = wanted.map(({ first, last }) => subtreeHashes(round, first, last + 1));
    const [, ...hashes] = await Promise.all([round.read(), ...proofs]);
    for (const [place, { first, last }] of wanted.entries()) {
      const roots = (hashes[place] as Buffer[]).map((hash) => hash.toString("base64"));
      yield `${JSON.stringify({ first, last, hashes: roots })}\n`;
    }
  }
}

/** Gathers what several proofs ask for, to read it at once. */
class TileRound implements TileReader {
  readonly #tiles: TileReader;
  readonly #wanted = new Map<string, TileId>();
  readonly #answer = Promise.withResolvers<ReadonlyMap<string, Buffer>>();

  constructor(tiles: TileReader) {
    this.#tiles = tiles;
  }

  tiles(ids: readonly TileId[]): Promise<ReadonlyMap<string, Buffer>> {
    for (const id of ids) this.#wanted.set(tileKey(id), id);
    return this.#answer.promise;
  }

  async read(): Promise<void> {
    this.#answer.resolve(this.#tiles.tiles([...this.#wanted.values()]));
    await this.#answer.promise;
  }
}
