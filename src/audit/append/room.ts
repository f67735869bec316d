import { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";
import type { CallerQueue } from "./queue.ts";

/** Events and bytes that may wait or be under way, over all callers. */
export interface RoomOptions {
  readonly pendingEvents: number;
  readonly pendingBytes: number;
}

/**
 * One caller may fill the bounds divided by this: enough for the appends under way and the next ones, and little enough that
 * the garbage collector does not copy a long queue again and again.
 */
const CALLER_SHARE = 10;
/** The part of the bounds that streams, which can wait, leave to calls, which cannot: the rest. */
const STREAMS_SHARE = 0.75;
/** Milliseconds after which a caller that was refused for lack of room should try again. */
const FULL_RETRY_MS = 250;

/** How much the writer holds, and who waits for it to hold less. A batch larger than a bound has room when nothing else is there. */
export class Room {
  readonly #options: RoomOptions;
  /** Streams that wait for room, in order. */
  #waiters: (() => void)[] = [];
  #events = 0;
  #bytes = 0;
  #idle: (() => void) | undefined;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  get fill(): { events: number; bytes: number; eventLimit: number; byteLimit: number; waitingCallers: number } {
    return {
      events: this.#events,
      bytes: this.#bytes,
      eventLimit: this.#options.pendingEvents,
      byteLimit: this.#options.pendingBytes,
      waitingCallers: this.#waiters.length,
    };
  }

  /** Why a call's batch cannot be taken; undefined where it can. */
  refusal(queue: CallerQueue, batch: readonly PreparedEvent[]): Fault | undefined {
    if (this.#fits(queue, batch, 1)) return undefined;
    const { events: waiting, eventLimit } = this.fill;
    return new Fault("exhausted", `the writer is full: ${waiting} of ${eventLimit} events are waiting`, {
      reason: "WRITER_FULL",
      retryAfterMs: FULL_RETRY_MS,
    });
  }

  /** Whether a stream's batch can be taken. */
  fitsStream(queue: CallerQueue, batch: readonly PreparedEvent[]): boolean {
    return this.#fits(queue, batch, STREAMS_SHARE);
  }

  #fits(queue: CallerQueue, batch: readonly PreparedEvent[], share: number): boolean {
    const { pendingEvents, pendingBytes } = this.#options;
    const events = batch.length;
    const bytes = batch.reduce((sum, event) => sum + event.bytes, 0);
    const callerFits =
      queue.events === 0 ||
      (queue.events + events <= pendingEvents / CALLER_SHARE && queue.bytes + bytes <= pendingBytes / CALLER_SHARE);
    const allFit =
      this.#events === 0 ||
      (this.#events + events <= pendingEvents * share && this.#bytes + bytes <= pendingBytes * share);
    return callerFits && allFit;
  }

  /** An event came in; its caller's queue counts it for itself. */
  take(event: PreparedEvent): void {
    this.#events++;
    this.#bytes += event.bytes;
  }

  /** An event has its outcome. */
  release(queue: CallerQueue, event: PreparedEvent): void {
    queue.events--;
    queue.bytes -= event.bytes;
    this.#events--;
    this.#bytes -= event.bytes;
    if (this.#waiters.length > 0) this.wake();
    if (this.#events === 0) this.#idle?.();
  }

  /** Resolves when there may be more room, or another reason to look again. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Has everyone who waits look again. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resume of waiters) resume();
  }

  /** Resolves when it holds nothing. */
  async drained(): Promise<void> {
    if (this.#events === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}
