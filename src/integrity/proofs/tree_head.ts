import type { LogState } from "../log/log_reader.ts";
import type { TileStore } from "../log/tile_store.ts";
import { rootAt } from "../merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { NoteError, parseNote } from "../note/signed_note.ts";
import { contradicted, noCheckpoint, treeTooLarge } from "./proof_faults.ts";

/** A tree: how many entries it has, and its root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Buffer;
}

/** A published checkpoint, and the signed note that it stands in. */
export interface Published extends Checkpoint {
  readonly note: string;
}

/** The latest published checkpoint. @throws Fault `precondition` (NO_CHECKPOINT; LOG_CONTRADICTED where it is stored as none). */
export function publishedCheckpoint({ publishedNote }: LogState): Published {
  if (publishedNote === undefined) throw noCheckpoint();
  try {
    return { ...parseCheckpoint(parseNote(publishedNote).text), note: publishedNote };
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw contradicted(`what is stored as the published checkpoint is none (${error.message})`);
  }
}

/**
 * The tree of the size that is asked for by `field`; 0: the one that was published last.
 *
 * @throws Fault `precondition` (NO_CHECKPOINT), `out_of_range` (TREE_TOO_LARGE).
 */
export async function treeOfSize(tiles: TileStore, state: LogState, field: string, asked: bigint): Promise<TreeHead> {
  if (asked === 0n) return publishedCheckpoint(state);
  if (asked > Math.min(state.size, Number.MAX_SAFE_INTEGER)) throw treeTooLarge(field, asked, state.size);
  return { size: Number(asked), root: await rootAt(tiles, Number(asked)) };
}
