/** Part of a connection in the memory for requests. */
export interface MemoryShare {
  /** Takes bytes if the connection and the whole may have them now, and tells whether it did. */
  tryTake(bytes: number): boolean;
  /** Takes bytes as soon as there is room, in line with the others; rejects with the signal's reason when that comes first. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Gives bytes back. */
  give(bytes: number): void;
}

interface Waiter {
  readonly share: { used: number };
  readonly bytes: number;
  readonly admit: () => void;
}

/**
 * Accounts for the memory that request messages take between the wire and the end of their handling. Flow control cannot do
 * this: it bounds what was sent and not yet read, and a message that is being put together has been read.
 *
 * The whole never exceeds `limitBytes`, and one connection never more than `connectionLimitBytes`, so that a flood over one
 * connection leaves room for the others.
 */
export class RequestMemory {
  readonly limitBytes: number;
  readonly connectionLimitBytes: number;
  #used = 0;
  readonly #line: Waiter[] = [];

  constructor(limitBytes: number, connectionLimitBytes: number) {
    this.limitBytes = limitBytes;
    this.connectionLimitBytes = connectionLimitBytes;
  }

  /** Bytes taken now. */
  get usedBytes(): number {
    return this.#used;
  }

  /** The share of a new connection. */
  share(): MemoryShare {
    const share = { used: 0 };
    return {
      tryTake: (bytes) => this.#tryTake(share, bytes),
      take: (bytes, signal) => this.#take(share, bytes, signal),
      give: (bytes) => {
        share.used -= bytes;
        this.#used -= bytes;
        this.#admit();
      },
    };
  }

  #tryTake(share: { used: number }, bytes: number): boolean {
    if (this.#line.some((waiter) => waiter.share === share) || !this.#fits(share, bytes)) return false;
    this.#use(share, bytes);
    return true;
  }

  #take(share: { used: number }, bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#tryTake(share, bytes)) return Promise.resolve();
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
      this.#line.push(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Lets in who fits, in order. Who waits for its own connection is passed by; who waits for the whole is not. */
  #admit(): void {
    for (let at = 0; at < this.#line.length; ) {
      const waiter = this.#line[at] as Waiter;
      if (this.#fits(waiter.share, waiter.bytes)) {
        this.#line.splice(at, 1);
        this.#use(waiter.share, waiter.bytes);
        waiter.admit();
      } else if (this.#used + waiter.bytes > this.limitBytes) {
        return;
      } else {
        at += 1;
      }
    }
  }

  #fits(share: { readonly used: number }, bytes: number): boolean {
    return share.used + bytes <= this.connectionLimitBytes && this.#used + bytes <= this.limitBytes;
  }

  #use(share: { used: number }, bytes: number): void {
    share.used += bytes;
    this.#used += bytes;
  }
}
