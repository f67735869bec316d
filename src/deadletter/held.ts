import type { PreparedEvent } from "../audit/prepare.ts";
import type { EntryPlace, Lost } from "./queue_store.ts";

/** Correlations that are remembered one by one: some 40 MB. Beyond it all are held, until nothing waits any more. */
const MOST_CORRELATIONS = 200_000;
/** Entries that may be ahead of a correlation that is released soon. */
const FEW_AHEAD = 4;
/** Milliseconds since the last release within which the queue counts as being drained. */
const DRAINING_MS = 250;

/** A correlation: how many adds and entries hold it, and the last of these entries. */
interface Held {
  readonly correlation: string;
  count: number;
  last: number;
}

interface Deposit extends EntryPlace {
  /** What it holds, without a text of its own: a full queue is millions of events. */
  readonly held: readonly Held[];
  readonly events: number;
}

/** Marks the events of one add; exactly one of the two is called when its fate is known. */
export interface Hold {
  /** They are in the queue, in these entries. */
  queued(places: readonly EntryPlace[]): void;
  /** They are not, or nothing is known of it and the caller was told so. */
  dropped(): void;
}

/** The correlations of which this process has events in the queue: later events of these must go behind them. */
export class HeldCorrelations {
  readonly #mostCorrelations: number;
  /** By sequence, in its order as far as adds were answered in order. */
  #deposits = new Map<number, Deposit>();
  #held = new Map<string, Held>();
  #adding = 0;
  #holdsAll = false;
  #releasedAt = Number.NEGATIVE_INFINITY;
  /** Counts the wipes: what was begun before one has nothing to settle after it. */
  #generation = 0;

  constructor(mostCorrelations = MOST_CORRELATIONS) {
    this.#mostCorrelations = mostCorrelations;
  }

  /** Marks the correlations of entries that are about to be queued. */
  begin(entries: readonly (readonly PreparedEvent[])[]): Hold {
    const generation = this.#generation;
    const drafts = entries.map((events) => ({
      held: this.#mark(new Set(events.map((event) => event.correlationId))),
      events: events.length,
    }));
    this.#adding++;
    return {
      queued: (places) => {
        if (generation !== this.#generation) return;
        this.#adding--;
        for (const [index, draft] of drafts.entries()) this.#deposit({ ...(places[index] as EntryPlace), ...draft });
      },
      dropped: () => {
        if (generation !== this.#generation) return;
        this.#adding--;
        for (const draft of drafts) this.#unmark(draft.held);
        this.#endHoldOfAll();
      },
    };
  }

  /** Whether any correlation is held. */
  get any(): boolean {
    return this.#holdsAll || this.#held.size > 0;
  }

  holds(correlationId: string): boolean {
    return this.#holdsAll || this.#held.has(correlationId);
  }

  /** Whether the queue is being drained and few entries are ahead of this correlation's last. */
  nearlyReleased(correlationId: string): boolean {
    if (this.#holdsAll || performance.now() - this.#releasedAt > DRAINING_MS) return false;
    const [first] = this.#deposits.keys();
    const held = this.#held.get(correlationId);
    return first !== undefined && held !== undefined && held.last > 0 && held.last - first <= FEW_AHEAD;
  }

  /** What is in the queue and was not seen to leave it. */
  get waiting(): Lost {
    let events = 0;
    for (const deposit of this.#deposits.values()) events += deposit.events;
    return { entries: this.#deposits.size, events };
  }

  /** Up to `count` of the entries in the queue, those after `after` first, then from the beginning. */
  deposits(after: number, count: number): EntryPlace[] {
    const all = [...this.#deposits.values()];
    const at = Math.max(
      0,
      all.findIndex((deposit) => deposit.sequence > after),
    );
    return [...all.slice(at), ...all.slice(0, at)].slice(0, count);
  }

  /** These entries have left the queue. Gives whether any was one of ours. */
  release(entries: readonly EntryPlace[]): boolean {
    let released = false;
    for (const { sequence } of entries) {
      const deposit = this.#deposits.get(sequence);
      if (deposit === undefined) continue;
      released = true;
      this.#deposits.delete(sequence);
      this.#unmark(deposit.held);
    }
    if (released) this.#releasedAt = performance.now();
    this.#endHoldOfAll();
    return released;
  }

  /** Nothing of what was in the queue is there any more. */
  clear(): void {
    this.#generation++;
    this.#adding = 0;
    this.#holdsAll = false;
    this.#deposits = new Map();
    this.#held = new Map();
  }

  /** Gives those that are remembered; beyond the bound, the hold of all holds the others. */
  #mark(correlations: ReadonlySet<string>): Held[] {
    const marked: Held[] = [];
    for (const correlation of correlations) {
      let held = this.#held.get(correlation);
      if (held === undefined && this.#held.size >= this.#mostCorrelations) {
        this.#holdsAll = true;
        continue;
      }
      held ??= { correlation, count: 0, last: 0 };
      held.count++;
      this.#held.set(correlation, held);
      marked.push(held);
    }
    return marked;
  }

  #unmark(marked: readonly Held[]): void {
    for (const held of marked) if (--held.count === 0) this.#held.delete(held.correlation);
  }

  #deposit(deposit: Deposit): void {
    this.#deposits.set(deposit.sequence, deposit);
    for (const held of deposit.held) held.last = Math.max(held.last, deposit.sequence);
  }

  #endHoldOfAll(): void {
    if (!this.#holdsAll || this.#adding > 0 || this.#deposits.size > 0) return;
    this.#holdsAll = false;
    this.#held.clear();
  }
}
