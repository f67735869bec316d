/** A witness: its public key and where it takes checkpoints (C2SP tlog-witness). */
export interface WitnessOption {
  /** As C2SP signed-note writes it, of the type 0x04. */
  readonly verifierKey: string;
  /** Submission prefix; `/add-checkpoint` is added to it. */
  readonly url: string;
}
