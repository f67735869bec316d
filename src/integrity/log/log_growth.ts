import type { Database } from "../../postgres/database.ts";
import { listen, readSize } from "./log_statements.ts";

/** Tells that the log grew, by whichever process. */
export interface LogGrowth {
  /** Events that have an index, as last heard of. */
  readonly size: number;
  /** Resolves when the log is larger than `size`, or after `timeoutMs`; rejects with the reason of `signal` when that is aborted. */
  waitBeyond(size: number, signal: AbortSignal, timeoutMs: number): Promise<void>;
}

/** Milliseconds between two looks while notifications are heard, and while they are not. */
const LISTENING_MS = 1_000;
const DEAF_MS = 250;

/**
 * Hears of it by LISTEN over a connection of its own, and looks from time to time as well: a pooler between may keep notifications
 * away, and those of a time without connection are lost.
 */
export class ListenedGrowth implements LogGrowth {
  readonly #database: Pick<Database, "run">;
  readonly #waiting = new Set<{ readonly beyond: number; readonly grown: () => void }>();
  #size = 0;
  /** The server's process that listens for us. */
  #ear: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `heard` is to be called with the payload of each notification. Nothing is asked before `begin`. */
  constructor(database: Pick<Database, "run">) {
    this.#database = database;
  }

  get size(): number {
    return this.#size;
  }

  begin(): void {
    if (!this.#closed && this.#timer === undefined) void this.#look();
  }

  /** The log has come to a size, as a notification or an advance of this process tells. */
  heard(size: number): void {
    if (size > this.#size) this.#found(size);
  }

  async waitBeyond(size: number, signal: AbortSignal, timeoutMs: number): Promise<void> {
    signal.throwIfAborted();
    if (this.#size > size) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { beyond: size, grown: resolve };
    const abort = () => reject(signal.reason);
    const timer = setTimeout(resolve, timeoutMs);
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.add(waiting);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      this.#waiting.delete(waiting);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** What a look finds may also be smaller than before: the database was restored. */
  #found(size: number): void {
    this.#size = size;
    for (const { beyond, grown } of this.#waiting) if (size > beyond) grown();
  }

  async #look(): Promise<void> {
    let listening = false;
    try {
      const before = await this.#database.run(readSize);
      this.#found(before.size);
      listening = before.pid === this.#ear;
      if (!listening) await this.#listen();
    } catch {
      // The writer tells that the database is away; what was missed is found by the next look.
      this.#ear = undefined;
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), listening ? LISTENING_MS : DEAF_MS);
  }

  /** What grows from here on is heard of; what grew just before is found by the look after it. */
  async #listen(): Promise<void> {
    await this.#database.run(listen);
    const { size, pid } = await this.#database.run(readSize);
    this.#ear = pid;
    this.#found(size);
  }
}
