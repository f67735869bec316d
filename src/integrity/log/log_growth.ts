/** Tells that the log grew, by whichever process. */
export interface LogGrowth {
  /** Events that have an index, as last heard of. */
  readonly size: number;
  /** Resolves when the log is larger than `size`, or after `timeoutMs`; rejects with the reason of `signal` when that is aborted. */
  waitBeyond(size: number, signal: AbortSignal, timeoutMs: number): Promise<void>;
}
