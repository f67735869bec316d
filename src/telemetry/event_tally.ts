import { CATEGORIES, EVENT_OUTCOMES } from "./instrument.ts";
import type { Metrics } from "./metrics.ts";

export type EventOutcome = (typeof EVENT_OUTCOMES)[number];

/** Counts the events of an append one by one and hands the sums to the metric in one go. */
export interface EventTally {
  /** One event; a category that is not in the list of known ones counts as `other`. */
  count(outcome: EventOutcome, category: string): void;
  /** Adds what was counted to datastorage_events_total and starts again at nothing. */
  flush(): void;
}

const COLUMNS = new Map<string, number>(CATEGORIES.map((category, column) => [category, column]));
const OTHER = CATEGORIES.indexOf("other");
const ROWS = Object.fromEntries(EVENT_OUTCOMES.map((outcome, row) => [outcome, row * CATEGORIES.length])) as Record<
  EventOutcome,
  number
>;
const LABELS = EVENT_OUTCOMES.flatMap((outcome) => CATEGORIES.map((category) => Object.freeze({ outcome, category })));

/** A tally for datastorage_events_total: counting an event costs one look-up and no allocation. */
export function createEventTally(events: Metrics["events"]): EventTally {
  const counts = new Uint32Array(LABELS.length);
  const touched: number[] = [];
  return {
    count(outcome, category) {
      const cell = ROWS[outcome] + (COLUMNS.get(category) ?? OTHER);
      if (counts[cell] === 0) touched.push(cell);
      counts[cell]! += 1;
    },
    flush() {
      for (const cell of touched) {
        events.add(counts[cell]!, LABELS[cell]!);
        counts[cell] = 0;
      }
      touched.length = 0;
    },
  };
}
