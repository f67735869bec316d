import { entryOf, openingText } from "../entry.ts";
import { formatTlogProof } from "../note/tlog_proof.ts";
import type { ProofParts } from "../service_parts.ts";
import { proveInclusion } from "./inclusion.ts";
import { placeOfEvent } from "./placed_event.ts";
import { contradicted } from "./proof_faults.ts";
import { publishedCheckpoint } from "./tree_head.ts";

/** The proof of one event, for keeping. */
export interface Receipt {
  /** The text of a C2SP tlog-proof; `extra` is the opening of docs/integrity.md. */
  readonly text: string;
  readonly logIndex: number;
  readonly treeSize: number;
}

/**
 * Makes the receipt of an event under the latest published checkpoint. What is given was checked.
 *
 * @throws Fault `not_found`; `precondition`: NO_CHECKPOINT, NOT_COVERED, LOG_CONTRADICTED.
 */
export async function makeReceipt(parts: ProofParts, eventId: string, signal: AbortSignal): Promise<Receipt> {
  const { logIndex, opening } = await placeOfEvent(parts, eventId, signal);
  const checkpoint = publishedCheckpoint(await parts.log.state(signal));
  const { entry, hashes } = await proveInclusion(parts.tiles, logIndex, checkpoint);
  const { log_salt, chain_position, event_hash } = opening;
  if (entryOf(log_salt, chain_position, event_hash) !== entry.toString("hex")) {
    throw contradicted(`what is stored of the event ${eventId} is not what the log holds of it`);
  }
  const extra = Buffer.from(openingText(opening));
  const text = formatTlogProof({ extra, index: logIndex, hashes, checkpoint: checkpoint.note });
  return { text, logIndex, treeSize: checkpoint.size };
}
