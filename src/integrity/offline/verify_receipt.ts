import { ENTRY_FORM, type EntryOpening, entryOf, parseOpening } from "../entry.ts";
import { leafHash } from "../merkle/hash.ts";
import { verifyInclusion } from "../merkle/proofs.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { parseNote, type SignedNote, type Verifier } from "../note/signed_note.ts";
import { parseTlogProof, type TlogProof } from "../note/tlog_proof.ts";
import { readEventLine } from "./event_line.ts";
import { Flaw } from "./flaw.ts";
import { asFlaw, KnownKeys, notVouched, uncheckedNames } from "./keys.ts";
import type { CheckedKey, ReceiptReport } from "./report.ts";

export interface VerifyReceiptOptions {
  /** The public keys that whoever verifies has from elsewhere, and trusts. */
  readonly keys: readonly Verifier[];
  /** The event: its line as it stands in a bundle, with or without the line feed. */
  readonly event?: { readonly text: string; readonly file: string };
}

/**
 * Verifies a receipt (C2SP tlog-proof): that the entry which its `extra` line opens stands in the checkpointed tree, and whose
 * signatures the checkpoint bears. With the event itself, also that its fields give the hash. A receipt carries no keys:
 * without a key, signatures stay unchecked, and the report names none.
 *
 * @throws Flaw for the first thing that is wrong.
 */
export function verifyReceipt(text: string, { keys, event }: VerifyReceiptOptions): ReceiptReport {
  const { proof, note, checkpoint } = readReceipt(text);
  const opening = readOpening(proof);
  const entry = entryOf(opening.log_salt, opening.chain_position, opening.event_hash);
  const leaf = leafHash(Buffer.from(entry, "hex"));
  if (!verifyInclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)) {
    throw new Flaw(
      "the inclusion proof does not lead from the entry to the root of the checkpoint: " +
        "event_hash, chain_position, log_salt, index, a hash or the checkpoint was changed",
      { eventId: opening.event_id, logIndex: proof.index },
    );
  }
  const known = new KnownKeys(checkpoint.origin, keys);
  const checkpointKeys = keys.length === 0 ? [] : known.checkpointKeys(note, "checkpoint");
  const vouched = known.vouched(checkpointKeys);
  if (keys.length > 0 && !vouched) throw notVouched(checkpointKeys);
  return {
    kind: "receipt",
    vouched,
    checkpoint: { ...checkpoint, root: checkpoint.root.toString("hex"), ...signersOf(note, checkpointKeys) },
    eventId: opening.event_id,
    eventHash: opening.event_hash,
    correlationId: opening.correlation_id,
    chainPosition: opening.chain_position,
    logIndex: proof.index,
    event: event === undefined ? "not given" : checkEvent(event, opening, proof.index),
    unusedKeys: known.unused(checkpointKeys),
  };
}

function signersOf(note: SignedNote, keys: readonly CheckedKey[]) {
  return { keys, unchecked: uncheckedNames(note, keys) };
}

function readReceipt(text: string): { proof: TlogProof; note: SignedNote; checkpoint: Checkpoint } {
  try {
    const proof = parseTlogProof(text);
    const note = parseNote(proof.checkpoint);
    return { proof, note, checkpoint: parseCheckpoint(note.text) };
  } catch (cause) {
    throw asFlaw(cause, "receipt");
  }
}

function readOpening({ extra, index }: TlogProof): EntryOpening {
  const opening = extra && parseOpening(extra.toString("utf8"));
  if (opening !== undefined) return opening;
  throw new Flaw(`extra does not lead from an event to its entry (${ENTRY_FORM})`, {
    file: "receipt",
    logIndex: index,
  });
}

function checkEvent(
  { text, file }: { readonly text: string; readonly file: string },
  opening: EntryOpening,
  index: number,
): "whole" | "erased" {
  const line = readEventLine(text, { file });
  const place = { file, eventId: line.eventId, logIndex: line.logIndex };
  if (line.kind === "removed") throw new Flaw("is a removed event, which has no fields to be checked", place);
  const same: readonly (readonly [string, unknown, unknown])[] = [
    ["event_id", line.eventId, opening.event_id],
    ["event_hash", line.eventHash, opening.event_hash],
    ["correlation_id", line.correlationId, opening.correlation_id],
    ["chain_position", line.chainPosition, opening.chain_position],
    ["log_salt", line.logSalt, opening.log_salt],
    ["log_index", line.logIndex, index],
  ];
  for (const [name, found, receipt] of same) {
    if (found !== receipt) throw new Flaw(`${name} is ${found}, and ${receipt} in the receipt`, place);
  }
  return line.kind;
}
