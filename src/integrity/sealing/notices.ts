const EVERY_MS = 60_000;

/** Things that are told at once when they begin, and again each minute as long as they last. */
export class Notices {
  readonly #told = new Map<string, number>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Tells it, unless the same was told within the minute. */
  tell(what: string, tell: () => void): void {
    const now = this.#monotonicMs();
    if (now < (this.#told.get(what) ?? Number.NEGATIVE_INFINITY) + EVERY_MS) return;
    this.#told.set(what, now);
    tell();
  }

  /** It is over: when it begins again, it is told at once. */
  clear(): void {
    this.#told.clear();
  }
}
