import type { PreparedEvent } from "../audit/prepare.ts";
import { decodeEntry, EntryUnreadable } from "./entry.ts";
import type { StreamName } from "./keys.ts";
import type { StoredEntry, Tries } from "./queue_store.ts";
import type { Placed } from "./window.ts";

/** An entry of the queue as the drainer knows it. While it may not go, its events are let go and read again later. */
export class QueuedEntry implements Placed {
  readonly stream: StreamName;
  readonly sequence: number;
  readonly correlations: readonly string[];
  readonly bytes: number;
  readonly eventCount: number;
  /** When it was queued, RFC 3339. */
  readonly timestamp: string | undefined;
  /** Why it cannot be read: then it has no events. */
  readonly unreadable: string | undefined;
  events: readonly PreparedEvent[] | undefined;
  tries: Tries | undefined;
  /** Entries that one append may hold together with it, itself included: few while one of them must be at fault. */
  company = Number.POSITIVE_INFINITY;
  /** Appends that failed for a defect while it stood alone. */
  defects = 0;

  constructor(stored: StoredEntry) {
    const { events, unreadable } = decode(stored);
    this.stream = stored.stream;
    this.sequence = stored.sequence;
    this.bytes = stored.bytes;
    this.timestamp = stored.fields["timestamp"];
    this.tries = stored.tries;
    this.events = events;
    this.unreadable = unreadable;
    this.eventCount = events.length;
    this.correlations = [...new Set(events.map(({ correlationId }) => correlationId))];
    if (stored.tries !== undefined || unreadable !== undefined) this.company = 1;
  }
}

function decode({ fields }: StoredEntry): { events: readonly PreparedEvent[]; unreadable: string | undefined } {
  try {
    return { events: decodeEntry(fields), unreadable: undefined };
  } catch (error) {
    if (!(error instanceof EntryUnreadable)) throw error;
    return { events: [], unreadable: error.message };
  }
}

/** Cuts events into runs in which no event id is twice: which of two came first is for the stored one to tell. */
export function runsOfDistinctIds(events: readonly PreparedEvent[]): PreparedEvent[][] {
  const runs: PreparedEvent[][] = [];
  let ids = new Set<string>();
  for (const event of events) {
    if (runs.length === 0 || ids.has(event.eventId)) {
      runs.push([]);
      ids = new Set();
    }
    ids.add(event.eventId);
    runs.at(-1)?.push(event);
  }
  return runs;
}
