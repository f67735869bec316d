import { backoffMs } from "./backoff.ts";

/** `closed`: appends go through; `open`: the database is away; `half_open`: one append may be tried. */
export type BreakerState = "closed" | "open" | "half_open";

/** Milliseconds to the first probe of a database that is away, and between two of them at most. */
const FIRST_PROBE_MS = 100;
const LONGEST_PROBE_MS = 5_000;

export interface BreakerOptions {
  readonly onChange: (state: BreakerState, cause: unknown) => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * Keeps the consumer of the queue from a database that is away: whatever fails then is nobody's own failure. It probes after
 * growing, jittered pauses, and at once when somebody else has found the database again.
 */
export class Breaker {
  readonly #onChange: (state: BreakerState, cause: unknown) => void;
  readonly #now: () => number;
  readonly #random: () => number;
  #state: BreakerState = "closed";
  #failures = 0;
  #probeAt = 0;

  constructor({ onChange, now = () => performance.now(), random = Math.random }: BreakerOptions) {
    this.#onChange = onChange;
    this.#now = now;
    this.#random = random;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Milliseconds until something may be tried; 0 when it may be now. Half-opens the breaker when its pause is over. */
  pauseMs(): number {
    if (this.#state !== "open") return 0;
    const pause = this.#probeAt - this.#now();
    if (pause > 0) return pause;
    this.#change("half_open", undefined);
    return 0;
  }

  failed(cause: unknown): void {
    this.#failures++;
    this.#probeAt = this.#now() + backoffMs(this.#failures, FIRST_PROBE_MS, LONGEST_PROBE_MS, this.#random);
    this.#change("open", cause);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#change("closed", undefined);
  }

  /** The database was found again by somebody else: the next try may be made now. */
  nudge(): void {
    if (this.#state === "open") this.#change("half_open", undefined);
  }

  #change(state: BreakerState, cause: unknown): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#onChange(state, cause);
  }
}
