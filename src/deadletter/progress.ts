import type { Logger } from "../telemetry/logs.ts";

/** Milliseconds between two lines about a backlog that takes long. */
const LINE_MS = 10_000;
/** Milliseconds for which the queue stays empty before its backlog counts as drained: a trickle is told of once. */
const QUIET_MS = 1_000;

export interface ProgressOptions {
  readonly log: Pick<Logger, "info">;
  /** Entries that are left in the queue, as far as is known. */
  readonly left: () => number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/** Tells in the log how the draining of a backlog goes: when it begins, every ten seconds, and when it is done. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  #entries = 0;
  #events = 0;
  #begun = 0;
  #lastDrained = 0;
  #nextLine = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  drained(entries: number, events: number): void {
    const now = this.#now();
    if (this.#entries === 0) {
      this.#begun = now;
      this.#nextLine = now + LINE_MS;
      this.#options.log.info({ entries_left: this.#options.left() }, "the queue is being drained");
    }
    this.#entries += entries;
    this.#events += events;
    this.#lastDrained = now;
    if (now < this.#nextLine) return;
    this.#nextLine = now + LINE_MS;
    this.#options.log.info({ ...this.#sum(), entries_left: this.#options.left() }, "the queue is still being drained");
  }

  /** There is nothing left. */
  idle(): void {
    if (this.#entries === 0 || this.#now() - this.#lastDrained < QUIET_MS) return;
    this.#options.log.info(this.#sum(), "the queue is drained");
    this.#entries = 0;
    this.#events = 0;
  }

  #sum() {
    const seconds = (this.#lastDrained - this.#begun) / 1000;
    return {
      entries: this.#entries,
      events: this.#events,
      seconds: Number(seconds.toFixed(1)),
      ...(seconds > 0 && { events_per_second: Math.round(this.#events / seconds) }),
    };
  }
}
