import { HASH_BYTES } from "../entry.ts";
import type { TileStore } from "../log/tile_store.ts";
import { leafHash } from "../merkle/hash.ts";
import { inclusionProof, verifyInclusion } from "../merkle/proofs.ts";
import { TILE_WIDTH } from "../merkle/tile.ts";
import { contradicted, notCovered } from "./proof_faults.ts";
import type { TreeHead } from "./tree_head.ts";

/** That an entry stands at its place in a tree. */
export interface Inclusion {
  /** 32 bytes. */
  readonly entry: Buffer;
  /** From the leaf's sibling up. */
  readonly hashes: readonly Buffer[];
}

/**
 * Proves that a place of the log lies in a tree (RFC 6962, 2.1.1). What is given was checked: it leads to the root.
 *
 * @throws Fault `precondition`: NOT_COVERED; LOG_CONTRADICTED where what is stored does not lead to the root.
 */
export async function proveInclusion(tiles: TileStore, logIndex: number, tree: TreeHead): Promise<Inclusion> {
  if (logIndex >= tree.size) throw notCovered(logIndex, tree.size);
  const bundleIndex = Math.floor(logIndex / TILE_WIDTH);
  const [hashes, bundles] = await Promise.all([
    inclusionProof(tiles, logIndex, tree.size),
    tiles.entries([bundleIndex]),
  ]);
  const offset = HASH_BYTES * (logIndex % TILE_WIDTH);
  const entry = bundles.get(bundleIndex)?.subarray(offset, offset + HASH_BYTES);
  if (entry === undefined || !verifyInclusion(logIndex, tree.size, leafHash(entry), hashes, tree.root)) {
    throw contradicted(
      `the stored tree does not lead from place ${logIndex} to the root of the tree of ${tree.size} entries`,
    );
  }
  return { entry, hashes };
}
