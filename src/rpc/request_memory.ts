/** What part of its memory a connection may use for a message: that of a stream must leave room for single messages. */
export type MessageUse = "single" | "stream";

/** Part of a connection in the memory for requests. */
export interface MemoryShare {
  /** Takes bytes if the connection and the whole may have them now, and tells whether it did. */
  tryTake(bytes: number, use: MessageUse): boolean;
  /** Takes bytes for a stream when its turn has come; rejects with the signal's reason when that comes first. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Gives bytes back. */
  give(bytes: number): void;
}

/** Part of what the others leave that a connection may use. */
const PARTS: Readonly<Record<MessageUse, number>> = { single: 1 / 2, stream: 3 / 8 };

interface Waiter {
  readonly share: { used: number };
  readonly bytes: number;
  readonly admit: () => void;
}

/**
 * Accounts for the memory that request messages take between the wire and the end of their handling. Flow control cannot do
 * this: it bounds what was sent and not yet read, and a message that is being put together has been read.
 *
 * The whole never exceeds `limitBytes`, and no connection ever gets more than half of what the others leave: alone it may
 * have half of the whole, n that want all they can get have an (n+1)th each, and there is always room for one more. Streams,
 * which can wait, leave a quarter of that to single messages, which are refused instead.
 */
export class RequestMemory {
  readonly limitBytes: number;
  #used = 0;
  readonly #line: Waiter[] = [];

  /** `limitBytes` MUST be at least four times the longest message. */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** Bytes taken now. */
  get usedBytes(): number {
    return this.#used;
  }

  /** The share of a new connection. */
  share(): MemoryShare {
    const share = { used: 0 };
    return {
      tryTake: (bytes, use) => this.#tryTake(share, bytes, use),
      take: (bytes, signal) => this.#take(share, bytes, signal),
      give: (bytes) => {
        share.used -= bytes;
        this.#used -= bytes;
        this.#admit();
      },
    };
  }

  #tryTake(share: { used: number }, bytes: number, use: MessageUse): boolean {
    if (!this.#fits(share, bytes, use)) return false;
    this.#use(share, bytes);
    return true;
  }

  #take(share: { used: number }, bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#line.length === 0 && this.#tryTake(share, bytes, "stream")) return Promise.resolve();
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.splice(this.#line.indexOf(waiter), 1);
        reject(signal.reason);
        this.#admit();
      };
      const admit = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const waiter: Waiter = { share, bytes, admit };
      signal.addEventListener("abort", leave, { once: true });
      this.#line.push(waiter);
      this.#admit();
    });
  }

  /** Lets in who fits, in order. Passed by is only who waits for what its own connection holds. */
  #admit(): void {
    for (let at = 0; at < this.#line.length; ) {
      const waiter = this.#line[at] as Waiter;
      if (this.#fits(waiter.share, waiter.bytes, "stream")) {
        this.#line.splice(at, 1);
        this.#use(waiter.share, waiter.bytes);
        waiter.admit();
      } else if (waiter.share.used === 0 || this.#used + waiter.bytes > this.limitBytes) {
        return;
      } else {
        at += 1;
      }
    }
  }

  #fits(share: { readonly used: number }, bytes: number, use: MessageUse): boolean {
    const left = this.limitBytes - (this.#used - share.used);
    return share.used + bytes <= left * PARTS[use];
  }

  #use(share: { used: number }, bytes: number): void {
    share.used += bytes;
    this.#used += bytes;
  }
}
