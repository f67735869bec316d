import { Fault } from "../fault.ts";
import type { BatchResult, CallerQueue } from "./append/queue.ts";
import type { Writer } from "./append/writer.ts";
import type { PreparedEvent } from "./prepare.ts";

/** A batch of a stream, as far as the order of batches is concerned. */
export interface StreamBatch {
  readonly number: bigint;
  /** Positions and events of those that keep the rules. */
  readonly events: readonly PreparedEvent[];
  /** None of it may be QUEUED. */
  readonly requireRecorded: boolean;
}

/** The fate of a batch of a stream: as a BatchResult, or refused untried. */
export type StreamResult = BatchResult | { readonly refused: Fault };

/**
 * Puts the batches of one stream through the writer so that the order within each correlation holds: once a batch fails,
 * nothing after it is tried until it is sent again, by its number.
 */
export class IngestStream {
  readonly #writer: Writer;
  readonly #queue: CallerQueue;
  /** Number of the batch that must be sent again before anything else is tried. */
  #failed: bigint | undefined;
  /** Whether a batch has failed, or may have: which one is known when all that were taken are settled. */
  #blocked = false;
  /** Settles when every batch taken so far has its fate. */
  #settled: Promise<unknown> = Promise.resolve();

  constructor(writer: Writer) {
    this.#writer = writer;
    this.#queue = writer.open();
  }

  /** Whether a batch with this number may be tried now; otherwise the fault that it is answered with. */
  async admit(number: bigint): Promise<Fault | undefined> {
    if (this.#queue.broken === undefined && !this.#blocked) return undefined;
    await this.#settled;
    if (this.#failed !== undefined && number !== this.#failed) return notTried(this.#failed);
    this.#failed = undefined;
    this.#blocked = false;
    this.#writer.mend(this.#queue);
    return undefined;
  }

  /** Notes that an admitted batch could not be taken for a fault of its own. */
  fail(number: bigint): void {
    this.#blocked = true;
    this.#settled = this.#settled.then(() => {
      this.#failed ??= number;
    });
  }

  /** Takes an admitted batch; waits for room. The `result` follows when its fate is settled, in the order of batches. */
  async submit(batch: StreamBatch): Promise<{ result: Promise<StreamResult> }> {
    const { result } = await this.#writer.submitWhenRoom(this.#queue, batch.events, batch);
    const inOrder = Promise.all([result, this.#settled]).then(([settled]): StreamResult => {
      if (settled.fault === undefined) return settled;
      if (this.#failed !== undefined) return { ...settled, fault: notTried(this.#failed) };
      this.#failed = batch.number;
      return settled;
    });
    this.#settled = inOrder;
    return { result: inOrder };
  }
}

function notTried(failed: bigint): Fault {
  return new Fault("precondition", `not tried: batch ${failed} failed before it; send that batch again first`, {
    reason: "BATCH_NOT_TRIED",
    metadata: { batch_number: String(failed) },
  });
}
