import type { Head } from "./chain.ts";

/**
 * The heads of the chains appended to last, so that an append needs no look-up before it. A cached head is a guess: the
 * append itself checks it, and a chain that is not cached is guessed to be new.
 */
export class HeadCache {
  readonly #heads = new Map<string, Head>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(correlationId: string): Head | undefined {
    return this.#heads.get(correlationId);
  }

  /** Remembers heads, and forgets those not written for longest beyond the capacity. */
  remember(heads: ReadonlyMap<string, Head>): void {
    for (const [correlationId, head] of heads) {
      this.#heads.delete(correlationId);
      this.#heads.set(correlationId, head);
    }
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= this.#capacity) break;
      this.#heads.delete(oldest);
    }
  }

  forget(correlationIds: Iterable<string>): void {
    for (const correlationId of correlationIds) this.#heads.delete(correlationId);
  }
}
