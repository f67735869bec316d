import { setTimeout as wait } from "node:timers/promises";

/** How much may be made up for after a time without sending, in milliseconds. */
const SLACK_MS = 500;

/** Gives a process's streams their turns, so that all together send at a rate. */
export class Pacer {
  readonly #eventsPerSecond: number;
  readonly #end = new AbortController();
  /** When the next turn is due, on the clock of performance.now. */
  #due = performance.now();
  #resumed: Promise<void> | undefined;
  #resume = () => {};

  constructor(eventsPerSecond: number) {
    this.#eventsPerSecond = eventsPerSecond;
  }

  /** Whether no turn is given any more. */
  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Resolves when so many events may be sent; with false when no more are to be. */
  async turn(events: number): Promise<boolean> {
    const now = performance.now();
    const at = Math.max(this.#due, now - SLACK_MS);
    this.#due = at + (events * 1000) / this.#eventsPerSecond;
    if (at > now) await wait(at - now, undefined, { signal: this.#end.signal }).catch(() => {});
    while (this.#resumed !== undefined && !this.ended) await this.#resumed;
    return !this.ended;
  }

  pause(): void {
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resumed = undefined;
    this.#resume();
  }

  end(): void {
    this.#end.abort();
    this.resume();
  }
}
