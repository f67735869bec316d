import { Fault } from "../../fault.ts";
import { classifyError } from "../../postgres/errors.ts";
import { unavailable } from "./appender.ts";
import type { Outcome } from "./outcome.ts";
import type { Overflow } from "./overflow.ts";
import type { CallerQueue, Item } from "./queue.ts";
import type { Detour, Way } from "./writer.ts";

/** Milliseconds for which events are gathered into one entry of an empty queue, and of one that is half full or more. */
const SHORTEST_LINGER_MS = 10;
const LONGEST_LINGER_MS = 1000;
/** How full the queue is when the longest is reached. */
const FILL_OF_LONGEST = 0.5;
/**
 * Milliseconds for which events wait for their correlation to leave the queue, when little is before it: a steady stream would
 * otherwise queue behind itself for ever.
 */
const RELEASE_WAIT_MS = 500;

export interface DetourParts {
  readonly overflow: Overflow;
  /** Whether the database can be written, as far as is known. */
  readonly database: { readonly available: boolean; readonly cause: unknown };
}

/** Decides which events go to the queue: all while the database is away, else those behind others that wait there. */
export class QueueDetour implements Detour {
  readonly #overflow: Overflow;
  readonly #database: DetourParts["database"];
  /** Since when each correlation waits to be released, by performance.now(). */
  readonly #waitingSince = new Map<string, number>();

  constructor({ overflow, database }: DetourParts) {
    this.#overflow = overflow;
    this.#database = database;
  }

  get state(): Detour["state"] {
    if (!this.#database.available) return "only";
    return this.#overflow.holdsAny ? "open" : "closed";
  }

  /** The fuller the queue, the fewer and larger entries it is given: its bound is in entries. */
  get lingerMs(): number {
    const part = Math.min(1, this.#overflow.fill / FILL_OF_LONGEST);
    return SHORTEST_LINGER_MS * (LONGEST_LINGER_MS / SHORTEST_LINGER_MS) ** part;
  }

  wayOf(correlationId: string): Way | "wait" {
    if (!this.#database.available) return "queue";
    if (!this.#overflow.holds(correlationId)) {
      this.#waitingSince.delete(correlationId);
      return "database";
    }
    if (!this.#overflow.nearlyReleased(correlationId)) return "queue";
    const now = performance.now();
    const since = this.#waitingSince.get(correlationId);
    if (since === undefined) this.#waitingSince.set(correlationId, now);
    return now - (since ?? now) < RELEASE_WAIT_MS ? "wait" : "queue";
  }

  /** Not what a defect left: an operator must look at that, and the queue would only hide it. */
  mayTake({ kind, details }: Fault): boolean {
    if (kind !== "unavailable" || !this.#overflow.takes) return false;
    return details.cause === undefined || classifyError(details.cause) !== "defect";
  }

  async run(items: readonly Item[], settle: (item: Item, result: Outcome | Fault) => void): Promise<void> {
    const refused = new Map<CallerQueue, Fault>();
    const taken = items.filter((item) => {
      // What a caller sent behind an event that is refused is refused with it: nothing overtakes.
      const fault = refused.get(item.queue) ?? (item.requireRecorded ? this.#notRecorded() : undefined);
      if (fault === undefined) return true;
      refused.set(item.queue, fault);
      settle(item, fault);
      return false;
    });
    if (taken.length === 0) return;
    if (!this.#overflow.takes) throw this.#overflow.refusal;
    await this.#overflow.add(
      taken.map(({ event }) => event),
      this.#database.available ? undefined : this.#database.cause,
    );
    for (const item of taken) {
      this.#waitingSince.delete(item.event.correlationId);
      settle(item, { kind: "queued" });
    }
  }

  #notRecorded(): Fault {
    if (!this.#database.available) return unavailable("the database cannot be written now", this.#database.cause);
    return new Fault("unavailable", "earlier events of this correlation wait in the queue to be recorded first", {
      reason: "EARLIER_EVENTS_QUEUED",
      retryAfterMs: RELEASE_WAIT_MS,
    });
  }
}
