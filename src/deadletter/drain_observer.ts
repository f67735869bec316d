import type { BreakerState } from "./breaker.ts";
import type { StreamName } from "./keys.ts";
import type { LetterReason } from "./letter.ts";

/** What draining tells those who watch; nothing of it changes what it does. */
export interface DrainObserver {
  /** A try of an entry that the database refused. */
  retried(stream: StreamName): void;
  /** Entries were taken over from a consumer that had begun with them. */
  claimed(stream: StreamName, entries: number): void;
  deadLetters(stream: StreamName, reason: LetterReason, events: number): void;
  /** There is no room for another dead letter of the stream, or there is again. */
  deadLettersFull(stream: StreamName, full: boolean): void;
  breaker(state: BreakerState): void;
  /** The queue is not the one that was drained last: Valkey was wiped or replaced meanwhile. */
  replaced(): void;
}
