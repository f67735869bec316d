import type { Batch } from "./batches.ts";

/** How much may be unanswered at once. One batch always may. */
export interface Window {
  readonly batches: number;
  readonly bytes: number;
}

/** The batches that were taken from their source and are not settled yet, in their order. Outlives the streams that carry them. */
export class Feed {
  readonly unanswered: Batch[] = [];
  readonly #source: AsyncIterator<Batch>;
  readonly #window: Window;
  #bytes = 0;
  #fetching: Promise<void> | undefined;
  /** Batches settled so far. */
  settled = 0;
  /** Whether the source has no more. */
  ended = false;
  /** What the source threw. */
  failure: { readonly error: unknown } | undefined;

  constructor(batches: AsyncIterable<Batch>, window: Window) {
    this.#source = batches[Symbol.asyncIterator]();
    this.#window = window;
  }

  /** Takes one more batch where the window has room; resolves when `unanswered`, `ended` or `failure` has changed. */
  fetch(): Promise<void> | undefined {
    if (this.#fetching !== undefined) return this.#fetching;
    const full = this.unanswered.length >= this.#window.batches || this.#bytes >= this.#window.bytes;
    if (full || this.ended || this.failure !== undefined) return undefined;
    this.#fetching = this.#fetchOne();
    return this.#fetching;
  }

  async #fetchOne(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (done === true) this.ended = true;
      else {
        this.unanswered.push(value);
        this.#bytes += value.bytes;
      }
    } catch (error) {
      this.failure = { error };
    } finally {
      this.#fetching = undefined;
    }
  }

  /** Forgets a batch that is answered for good. */
  settle(batch: Batch): void {
    this.unanswered.splice(this.unanswered.indexOf(batch), 1);
    this.#bytes -= batch.bytes;
    this.settled += 1;
  }

  /** Ends the source. One that is just being waited for (a pipe that stays silent) cannot be ended and is left behind. */
  async close(): Promise<void> {
    if (this.#fetching === undefined) await this.#source.return?.();
  }
}
