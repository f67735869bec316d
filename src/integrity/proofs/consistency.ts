import type { TileStore } from "../log/tile_store.ts";
import { consistencyProof, verifyConsistency } from "../merkle/proofs.ts";
import { contradicted } from "./proof_faults.ts";
import type { TreeHead } from "./tree_head.ts";

/**
 * Proves that one tree is the beginning of another, which is no smaller (RFC 6962, 2.1.2). What is given was checked.
 *
 * @throws Fault `precondition` (LOG_CONTRADICTED) where what is stored does not lead to both roots.
 */
export async function proveConsistency(tiles: TileStore, from: TreeHead, to: TreeHead): Promise<readonly Buffer[]> {
  // Nothing need be said of the empty tree, with which every log begins, and of a tree and itself.
  const proof = from.size === 0 || from.size === to.size ? [] : await consistencyProof(tiles, from.size, to.size);
  if (!verifyConsistency(from.size, from.root, to.size, to.root, proof)) {
    throw contradicted(`the stored tree does not lead from ${from.size} to ${to.size} entries`);
  }
  return proof;
}
