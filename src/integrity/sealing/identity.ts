import { nowMs } from "../../clock.ts";
import type { Signer } from "../note/signed_note.ts";
import type { LogSigners } from "./log_signers.ts";
import type { Published } from "./publication.ts";
import type { SealingState } from "./statements.ts";

/** Under what name, and with which keys, the log is signed. */
export interface Identity {
  readonly origin: string;
  readonly signers: LogSigners;
}

/** Whether one of the keys has signed the log before, or none has. */
export function knowsKeys({ logKeys }: Pick<SealingState, "logKeys">, { origin, signers }: Identity): boolean {
  const before = logKeys.filter((key) => key.startsWith(`${origin}+`));
  return before.length === 0 || signers.log.some(({ verifier }) => before.includes(verifier.verifierKey));
}

/** When the log itself cosigned a checkpoint, in seconds since the epoch; 0 where it did not. */
export function cosignedS({ note }: Pick<Published, "note">, { signers: { cosigner } }: Identity): number {
  const { name, keyId, verify, timestampOf } = cosigner.verifier;
  const made = note.signatures.find((signature) => signature.name === name && signature.keyId.equals(keyId));
  return made !== undefined && verify(note.text, made.bytes) ? (timestampOf?.(made.bytes) ?? 0) : 0;
}

/** Milliseconds since a checkpoint was cosigned by the log itself; infinitely many where one of its keys has not signed it. */
export function cosignatureAge({ note }: Published, { signers: { log, cosigner } }: Identity): number {
  const signatureOf = ({ verifier: { name, keyId } }: Signer) =>
    note.signatures.find((signature) => signature.name === name && signature.keyId.equals(keyId));
  const cosignature = signatureOf(cosigner);
  if (cosignature === undefined || log.some((signer) => signatureOf(signer) === undefined))
    return Number.POSITIVE_INFINITY;
  const signedS = cosigner.verifier.timestampOf?.(cosignature.bytes) ?? 0;
  return Math.max(0, nowMs() - 1000 * signedS);
}
