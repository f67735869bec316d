import { type Context, context } from "@opentelemetry/api";
import type { Fault } from "../../fault.ts";
import type { PreparedEvent } from "../prepare.ts";
import type { Outcome } from "./outcome.ts";

/** What became of a batch: an outcome for each event, or the fault that left the fate of some unknown. */
export interface BatchResult {
  /** In the order of the batch; undefined where the fate is unknown. */
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly fault: Fault | undefined;
}

/** One event that waits for its outcome. */
export interface Item {
  readonly event: PreparedEvent;
  readonly queue: CallerQueue;
  /** The caller does not want it QUEUED. */
  readonly requireRecorded: boolean;
  /** The event's outcome, or the fault that leaves it unknown. */
  readonly settle: (result: Outcome | Fault) => void;
}

/**
 * The events of one caller (a stream, or a unary call) that wait to be appended, in order within each correlation.
 *
 * Once the fate of one event is unknown, nothing after it may be tried before it is sent again: the queue is broken, all that
 * waits in it is given back untried, and it takes nothing until it is mended.
 */
export class CallerQueue {
  /** The trace of the call, for the span of an append that holds its events. */
  readonly trace: Context = context.active();
  /** Waiting items by correlation, each list in order of arrival; the correlation served longest ago comes first. */
  readonly waiting = new Map<string, Item[]>();
  /** Items that wait or are being appended, and their bytes. */
  events = 0;
  bytes = 0;
  /** Items that wait. */
  queued = 0;
  /** Appends under way that hold items of this queue. */
  appends = 0;
  /** When the oldest waiting item arrived, by performance.now(). */
  waitingSince = 0;
  broken: Fault | undefined;

  push(item: Item): void {
    const list = this.waiting.get(item.event.correlationId);
    if (list === undefined) this.waiting.set(item.event.correlationId, [item]);
    else list.push(item);
    if (this.queued === 0) this.waitingSince = performance.now();
    this.queued++;
    this.events++;
    this.bytes += item.event.bytes;
  }

  /** Takes up to `events` waiting items whose correlations `isFree`; leaves the order within each correlation. */
  take(events: number, bytes: number, isFree: (correlationId: string) => boolean, into: AppendDraft): void {
    let room = events;
    for (const [correlationId, list] of this.waiting) {
      if (room <= 0 || into.bytes >= bytes) break;
      if (!isFree(correlationId)) continue;
      let taken = 0;
      for (const item of list) {
        if (taken === room || (into.bytes >= bytes && into.items.length > 0) || !into.add(item)) break;
        taken++;
      }
      if (taken === 0) continue;
      room -= taken;
      this.queued -= taken;
      this.waiting.delete(correlationId);
      if (taken < list.length) this.waiting.set(correlationId, list.slice(taken));
    }
    this.waitingSince = performance.now();
  }

  /** Takes items back that were taken, in the order in which they were, before all that waits. */
  putBack(items: readonly Item[]): void {
    for (const [correlationId, before] of Map.groupBy(items, ({ event }) => event.correlationId)) {
      this.waiting.set(correlationId, [...before, ...(this.waiting.get(correlationId) ?? [])]);
    }
    if (this.queued === 0) this.waitingSince = performance.now();
    this.queued += items.length;
  }

  /** Gives every waiting item back untried. */
  breakWith(fault: Fault): void {
    this.broken ??= fault;
    const untried = [...this.waiting.values()].flat();
    this.waiting.clear();
    this.queued = 0;
    for (const item of untried) item.settle(fault);
  }
}

/** The items gathered for one append: no id twice, since which of two came first is for the stored one to tell. */
export class AppendDraft {
  readonly items: Item[] = [];
  readonly #ids = new Set<string>();
  bytes = 0;

  /** False: an event with this id is in the draft already, and this one must wait for its fate. */
  add(item: Item): boolean {
    if (this.#ids.has(item.event.eventId)) return false;
    this.#ids.add(item.event.eventId);
    this.items.push(item);
    this.bytes += item.event.bytes;
    return true;
  }
}
