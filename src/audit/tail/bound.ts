import { Fault } from "../../fault.ts";

const RETRY_AFTER_MS = 5_000;

/** Counts the streams that are open, and lets no more than so many be: each may hold some MiB for a caller that does not read. */
export class StreamBound {
  readonly #most: number;
  #open = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The messages of a stream that counts from the first step to its end. @throws Fault `exhausted` TOO_MANY_TAILS. */
  async *count<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    if (this.#open >= this.#most) {
      const message = `${this.#open} callers follow the log by this process, and it takes no more`;
      throw new Fault("exhausted", message, { reason: "TOO_MANY_TAILS", retryAfterMs: RETRY_AFTER_MS });
    }
    this.#open++;
    try {
      yield* messages;
    } finally {
      this.#open--;
    }
  }
}
