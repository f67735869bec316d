import type { KeyObject } from "node:crypto";
import { nowMs } from "../../clock.ts";
import { type Checkpoint, checkpointText } from "../note/checkpoint.ts";
import { deriveKey } from "../note/keys.ts";
import {
  cosigner,
  ed25519Signer,
  NoteError,
  type SignedNote,
  type Signer,
  type Verifier,
} from "../note/signed_note.ts";
import type { LogKeys } from "./log_keys.ts";
import type { UsedKey } from "./statements.ts";

/** The keys of a log under its name. */
export interface LogSigners {
  /** Signs the checkpoint, with every key. */
  readonly log: readonly Signer[];
  /** Says when: a timestamped cosignature. */
  readonly cosigner: Signer;
  /** Signs manifests of exports. */
  readonly export: Signer;
}

/** Seconds that a clock is set back by and yet may have been right before. */
const SET_BACK_S = 3600;

/**
 * The signers of an origin: `<origin>`, `<origin>/cosigner` and `<origin>/export` are the names of their keys.
 *
 * A cosignature says which checkpoint was the latest at its time: so its time is never before that of another, nor before
 * `cosignedS`, the time of the last that others made, also where the clock was set back; unless that is so far ahead that the
 * clock was wrong then.
 */
export function logSigners(
  { privateKeys }: Pick<LogKeys, "privateKeys">,
  origin: string,
  cosignedS: () => number = () => 0,
): LogSigners {
  const [first] = privateKeys;
  let last = 0;
  const nowS = () => {
    const now = Math.floor(nowMs() / 1000);
    const before = Math.max(last, cosignedS());
    last = before - now > SET_BACK_S ? now : Math.max(before, now);
    return last;
  };
  return {
    log: privateKeys.map((key: KeyObject) => ed25519Signer(origin, key)),
    cosigner: cosigner(`${origin}/cosigner`, deriveKey(first, "cosigner"), nowS),
    export: ed25519Signer(`${origin}/export`, deriveKey(first, "export")),
  };
}

/** The public keys that checkpoints of an origin are signed with; none where it is no name that a key may have. */
export function logVerifiers(keys: Pick<LogKeys, "privateKeys">, origin: string): Verifier[] {
  try {
    return logSigners(keys, origin).log.map(({ verifier }) => verifier);
  } catch (error) {
    if (error instanceof NoteError) return [];
    throw error;
  }
}

/** The public keys of the signers, those of the log first. */
export function usedKeys(signers: LogSigners): UsedKey[] {
  const keyOf = ({ verifier: { verifierKey } }: Signer, purpose: UsedKey["purpose"]) => ({ verifierKey, purpose });
  return [
    ...signers.log.map((signer) => keyOf(signer, "log")),
    keyOf(signers.cosigner, "cosigner"),
    keyOf(signers.export, "export"),
  ];
}

/** Signs a checkpoint with every key of the log and the cosigner, now. */
export function signCheckpoint(signers: LogSigners, checkpoint: Checkpoint): SignedNote {
  const text = checkpointText(checkpoint);
  return { text, signatures: [...signers.log, signers.cosigner].map((signer) => signer.sign(text)) };
}
