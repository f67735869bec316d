import type { LogState } from "../log/log_reader.ts";
import type { TileStore } from "../log/tile_store.ts";
import { rootAt } from "../merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { parseNote } from "../note/signed_note.ts";
import { noCheckpoint, treeTooLarge } from "./proof_faults.ts";

/** A tree: how many entries it has, and its root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

/** A published checkpoint, and the signed note that it stands in. */
export interface Published extends Checkpoint {
  readonly note: string;
}

/** The latest published checkpoint. @throws Fault `precondition` (NO_CHECKPOINT). */
export function publishedCheckpoint({ publishedNote }: LogState): Published {
  if (publishedNote === undefined) throw noCheckpoint();
  return { ...parseCheckpoint(parseNote(publishedNote).text), note: publishedNote };
}

/**
 * The tree of the size that is asked for by `field`; 0: the one that was published last.
 *
 * @throws Fault `precondition` (NO_CHECKPOINT), `out_of_range` (TREE_TOO_LARGE).
 */
export async function treeOfSize(tiles: TileStore, state: LogState, field: string, asked: bigint): Promise<TreeHead> {
  if (asked === 0n) return publishedCheckpoint(state);
  if (asked > state.size) throw treeTooLarge(field, asked, state.size);
  return { size: Number(asked), root: await rootAt(tiles, Number(asked)) };
}
