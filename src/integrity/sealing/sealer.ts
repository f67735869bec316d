import type { LogState } from "../log/log_reader.ts";
import type { Signer } from "../note/signed_note.ts";
import type { SealingOptions, SealingStatus } from "./sealing_options.ts";

/** Signs the log's checkpoints, keeps them outside of the database, has them witnessed and publishes them. */
export class Sealer {
  constructor(_options: SealingOptions) {}

  /** For gauges, and for the sequencer: while it is `contradicted`, nothing may be indexed; call takeOver again every few seconds. */
  get status(): SealingStatus {
    return "standby";
  }

  /**
   * Called by whoever got hold of the log, before anything is indexed: compares the tree with what was signed of it. False: it
   * is contradicted. Opens the first origin where there is none.
   *
   * @throws what the database throws: ask again later.
   */
  takeOver(): Promise<boolean> {
    return Promise.reject(new Error("not yet"));
  }

  /**
   * Signs and publishes the tree where a second has passed since the last time and it has grown, or the cosignature is older
   * than 30 minutes. To be called after each advance and at each tick of the holder, with what is committed; calls during
   * one under way return at once. Never rejects. Look at `status` after it.
   */
  seal(_size: number, _root: Buffer): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Called every second or so by a process that does not hold the log: keeps its own copy of the published checkpoint fresh,
   * and tells loudly when the published one does not extend it. Never rejects.
   */
  watch(_state: Pick<LogState, "origin" | "publishedNote">): Promise<void> {
    return Promise.resolve();
  }

  /** Signs manifests of exports; absent without a key or an origin. */
  exportSigner(): Signer | undefined {
    return undefined;
  }

  /** When what is seen is no longer its own: the log was given up. */
  release(): void {}

  /** Waits for a sealing under way; witnesses are given up. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
