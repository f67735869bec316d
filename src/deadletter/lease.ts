import type { QueueStore } from "./queue_store.ts";

/**
 * The right to drain the queue, which one process has at a time. It is renewed on a timer of its own, whatever the drainer
 * waits for. Who loses it without noticing is stopped by the two fences: the scripts compare the owner, the database a number.
 */
export class Lease {
  readonly #store: Pick<QueueStore, "takeLease" | "renewLease" | "releaseLease">;
  readonly #owner: string;
  readonly #ttlMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** `ttlMs`: for how long it is kept without being renewed. */
  constructor(store: Pick<QueueStore, "takeLease" | "renewLease" | "releaseLease">, owner: string, ttlMs: number) {
    this.#store = store;
    this.#owner = owner;
    this.#ttlMs = ttlMs;
  }

  /** False: another process drains. Otherwise it is kept until it is released, or `onLost` is called. */
  async take(onLost: () => void): Promise<boolean> {
    if (!(await this.#store.takeLease(this.#owner, this.#ttlMs))) return false;
    this.#timer = setInterval(() => {
      this.#renew().catch(() => this.#lose(onLost));
    }, this.#ttlMs / 3);
    return true;
  }

  /** Leaves it to whoever wants it next. Where Valkey cannot be told, it runs out. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#store.releaseLease(this.#owner).catch(() => {});
  }

  async #renew(): Promise<void> {
    if (!(await this.#store.renewLease(this.#owner, this.#ttlMs))) throw new Error("the lease was lost");
  }

  #lose(onLost: () => void): void {
    clearInterval(this.#timer);
    onLost();
  }
}
