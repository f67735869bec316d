import { Fault } from "../fault.ts";

const RETRY_AFTER_MS = 5_000;

/** Counts the streams that are open, and lets no more than so many be: each may hold some MiB for a caller that does not read. */
export class StreamBound {
  readonly #most: number;
  readonly #reason: string;
  readonly #doing: string;
  #open = 0;

  /** `reason` and `doing` tell a caller who is one too many what the others do: "follow the log". */
  constructor(most: number, reason: string, doing: string) {
    this.#most = most;
    this.#reason = reason;
    this.#doing = doing;
  }

  /** The messages of a stream that counts from the first step to its end. @throws Fault `exhausted` with the reason. */
  async *count<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    if (this.#open >= this.#most) {
      const message = `${this.#open} callers ${this.#doing} by this process, and it takes no more`;
      throw new Fault("exhausted", message, { reason: this.#reason, retryAfterMs: RETRY_AFTER_MS });
    }
    this.#open++;
    try {
      yield* messages;
    } finally {
      this.#open--;
    }
  }
}
