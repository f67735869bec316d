import type { LogReader } from "../log/log_reader.ts";

/** How long the size that was read last is taken for what a tree has at least, in milliseconds. */
const KEPT_MS = 250;

/**
 * How many entries the published checkpoint covers. A tree only grows: a size that covers what is asked for is not read
 * again for a moment, while a client fetches tile after tile. One that does not cover it is.
 */
export class PublishedSize {
  readonly #log: Pick<LogReader, "state">;
  #known = 0;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(log: Pick<LogReader, "state">) {
    this.#log = log;
  }

  /** Whether the published tree holds `entries` entries. @throws Fault `unavailable`; the reason of `signal`. */
  async covers(entries: number, signal: AbortSignal): Promise<boolean> {
    if (entries <= this.#known && performance.now() - this.#readAt < KEPT_MS) return true;
    const startedAt = performance.now();
    const { publishedSize } = await this.#log.state(signal);
    this.#known = publishedSize;
    this.#readAt = startedAt;
    return entries <= publishedSize;
  }
}
