import type { Overflow } from "../audit/append/overflow.ts";
import type { PreparedEvent } from "../audit/prepare.ts";
import { nowMs } from "../clock.ts";
import { failpoint } from "../failpoint.ts";
import type { Fault } from "../fault.ts";
import { sqlState } from "../postgres/errors.ts";
import { valkeyUnavailable } from "../valkey/errors.ts";
import { encodeEntry, queueOrder } from "./entry.ts";
import { HeldCorrelations } from "./held.ts";
import { STREAMS } from "./keys.ts";
import type { EntryPlace, QueueStore } from "./queue_store.ts";

/** Milliseconds between two questions whether entries of ours have left the queue. */
const ASK_MS = 50;
/** Entries of one question. */
const ASKED = 1000;
const DEEPEST_CAUSE = 5;

export interface QueueOptions {
  readonly store: QueueStore;
  /** Whether it takes events has changed. */
  readonly onChange?: (takes: boolean) => void;
  /** Correlations were released: events that waited for them may go. */
  readonly onReleased?: () => void;
  /** Something was queued. */
  readonly onQueued?: () => void;
}

/** Where events wait in Valkey that PostgreSQL cannot take now; knows which correlations must go on waiting there. */
export class Queue implements Overflow {
  readonly #options: QueueOptions;
  readonly #held = new HeldCorrelations();
  #timer: NodeJS.Timeout | undefined;
  #askedUpTo = 0;
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    options.store.setDepositor({
      waiting: () => this.#held.waiting,
      wiped: () => {
        this.#held.clear();
        options.onReleased?.();
      },
    });
    options.store.onTakes((takes) => options.onChange?.(takes));
  }

  get takes(): boolean {
    return this.#options.store.takes;
  }

  get refusal(): Fault {
    return valkeyUnavailable(`events cannot be queued now: ${this.#options.store.reason ?? "the queue is not there"}`);
  }

  get fill(): number {
    const { store } = this.#options;
    const depth = store.depth();
    return Math.max(...STREAMS.map((stream) => depth[stream].entries)) / store.limits.entries;
  }

  get holdsAny(): boolean {
    return this.#held.any;
  }

  holds(correlationId: string): boolean {
    return this.#held.holds(correlationId);
  }

  nearlyReleased(correlationId: string): boolean {
    return this.#held.nearlyReleased(correlationId);
  }

  async add(events: readonly PreparedEvent[], cause: unknown): Promise<void> {
    if (events.length === 0) return;
    failpoint("queue.encode");
    const drafts = queueOrder(events);
    const timestamp = new Date(nowMs()).toISOString();
    const lastError = describeCause(cause);
    const entries = drafts.map((draft) => ({
      stream: draft.stream,
      fields: encodeEntry(draft.events, timestamp, lastError),
    }));
    // Held from here on: what comes later must not overtake them while they are on their way.
    const hold = this.#held.begin(drafts.map((draft) => draft.events));
    try {
      const sequences = await this.#options.store.add(entries);
      hold.queued(entries.map(({ stream }, index) => ({ stream, sequence: sequences[index] as number })));
    } catch (error) {
      hold.dropped();
      this.#options.onReleased?.();
      throw error;
    }
    this.#askLater();
    this.#options.onQueued?.();
    failpoint("queue.held");
  }

  /** These entries have left the queue: a drainer of this process says so before it is asked. */
  released(entries: readonly EntryPlace[]): void {
    if (this.#held.release(entries)) this.#options.onReleased?.();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #askLater(): void {
    if (this.#closed || this.#timer !== undefined || this.#held.deposits(0, 1).length === 0) return;
    this.#timer = setTimeout(() => void this.#ask(), ASK_MS);
    this.#timer.unref();
  }

  /** Asks of some entries whether they are still there; of others the next time. */
  async #ask(): Promise<void> {
    const asked = this.#held.deposits(this.#askedUpTo, ASKED);
    try {
      const present = await this.#options.store.present(asked);
      this.#askedUpTo = asked.at(-1)?.sequence ?? 0;
      this.released(asked.filter((_, index) => present[index] === false));
    } catch {
      // Valkey is away: they are where they were, and are asked for again.
    }
    this.#timer = undefined;
    this.#askLater();
  }
}

/** Why the database could not take events, for the entry: a SQLSTATE or the code of an error; no host names, no SQL. */
export function describeCause(cause: unknown): string {
  if (cause === undefined) return "behind earlier events of its correlation";
  for (
    let error: unknown = cause, depth = 0;
    error instanceof Error && depth < DEEPEST_CAUSE;
    error = error.cause, depth++
  ) {
    const state = sqlState(error);
    if (state !== undefined) return `SQLSTATE ${state}`;
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  }
  return "the database could not be written";
}
