import type { CallerQueue } from "./queue.ts";

/** Who sends no more events than this at once waits for the answer, and not for a rate. */
const SMALL_BATCH = 10;
/** While small batches come in among large ones, appends hold their bound divided by this: what is small waits for what runs. */
const SHORT_APPENDS = 4;
/** Milliseconds for which a caller that sent something counts among those who share the lanes. */
const CALLER_ACTIVE_MS = 1000;

/** Who sent what of late, and what follows for the size of appends and the share of each caller. */
export class Pace {
  /** When each caller sent last, by performance.now(); the longest ago first. */
  readonly #sentAt = new Map<CallerQueue, number>();
  /** When the last small and the last large batch came, by performance.now(). */
  #smallSentAt = Number.NEGATIVE_INFINITY;
  #largeSentAt = Number.NEGATIVE_INFINITY;

  sent(queue: CallerQueue, events: number): void {
    const now = performance.now();
    this.#sentAt.delete(queue);
    this.#sentAt.set(queue, now);
    if (events <= SMALL_BATCH) this.#smallSentAt = now;
    else this.#largeSentAt = now;
  }

  /** Events that one append holds now, where its bound is `most`. */
  appendEvents(most: number): number {
    const mixed = performance.now() - Math.min(this.#smallSentAt, this.#largeSentAt) < CALLER_ACTIVE_MS;
    return mixed ? Math.ceil(most / SHORT_APPENDS) : most;
  }

  /** Lanes that one caller may hold now: never all, so that another's events find one free. */
  lanesEach(lanes: number): number {
    return Math.max(1, Math.min(lanes - 1, Math.floor(lanes / this.#activeCallers())));
  }

  #activeCallers(): number {
    const since = performance.now() - CALLER_ACTIVE_MS;
    for (const [queue, sentAt] of this.#sentAt) {
      if (sentAt >= since) break;
      this.#sentAt.delete(queue);
    }
    return Math.max(1, this.#sentAt.size);
  }
}
