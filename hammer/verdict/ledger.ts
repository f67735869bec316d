import { type EventOrigin, eventId, eventOrigin } from "../client/event_id.ts";

/** What the clients know of an event, in the order in which they come to know it. */
export const State = {
  /** No client has sent it. */
  UNSENT: 0,
  /** Sent, and its fate is unknown; or refused, which is a finding of its own. */
  OPEN: 1,
  /** Acknowledged as QUEUED alone. */
  QUEUED: 2,
  /** Acknowledged as RECORDED or DUPLICATE. */
  RECORDED: 3,
} as const;
export type State = (typeof State)[keyof typeof State];

/** The events of one source, by their counters. */
export interface SourceLedger {
  readonly process: number;
  readonly source: number;
  /** Counters in use: 0 to size - 1. */
  readonly size: number;
  readonly states: Uint8Array;
  /** The stream on which it was acknowledged and that keeps an order; 0: none. */
  readonly calls: Uint32Array;
  /** Index of its correlation in the ledger's list, as stored; 0: not stored. */
  readonly correlations: Uint32Array;
  /** Its place in the chain, as stored; 0: not stored. */
  readonly places: Uint32Array;
}

/** Every event that clients made, and what is known of it. */
export class Ledger {
  /** Correlations that are stored; the first stands for none. */
  readonly correlations: string[] = [""];
  readonly #correlationIndex = new Map<string, number>();
  readonly #sources = new Map<string, GrowingSource>();
  #seed: number | undefined;

  /** Must be the same for all histories. */
  set seed(seed: number) {
    if (this.#seed !== undefined && this.#seed !== seed) {
      throw new Error(`histories of two campaigns: seeds ${this.#seed} and ${seed}`);
    }
    this.#seed = seed;
  }

  get sources(): Iterable<SourceLedger> {
    return this.#sources.values();
  }

  /** The source with room for counters below `end`. */
  source(process: number, source: number, end: number): SourceLedger {
    const key = `${process} ${source}`;
    let ledger = this.#sources.get(key);
    if (ledger === undefined) {
      ledger = new GrowingSource(process, source);
      this.#sources.set(key, ledger);
    }
    ledger.grow(end);
    return ledger;
  }

  /** Where the event with an id belongs; undefined when no client sent it. */
  find(id: string): { source: SourceLedger; counter: number } | undefined {
    const origin = this.#seed === undefined ? undefined : eventOrigin(this.#seed, id);
    const source = origin && this.#sources.get(`${origin.process} ${origin.source}`);
    if (source === undefined || origin === undefined) return undefined;
    if ((source.states[origin.counter] ?? State.UNSENT) === State.UNSENT) return undefined;
    return { source, counter: origin.counter };
  }

  id(origin: EventOrigin): string {
    return eventId(this.#seed ?? 0, origin);
  }

  /** Index of a correlation in `correlations`. */
  correlation(name: string): number {
    let index = this.#correlationIndex.get(name);
    if (index === undefined) {
      index = this.correlations.push(name) - 1;
      this.#correlationIndex.set(name, index);
    }
    return index;
  }
}

const FIRST_ROOM = 4096;

class GrowingSource implements SourceLedger {
  readonly process: number;
  readonly source: number;
  size = 0;
  states = new Uint8Array(FIRST_ROOM);
  calls = new Uint32Array(FIRST_ROOM);
  correlations = new Uint32Array(FIRST_ROOM);
  places = new Uint32Array(FIRST_ROOM);

  constructor(process: number, source: number) {
    this.process = process;
    this.source = source;
  }

  grow(end: number): void {
    this.size = Math.max(this.size, end);
    const room = this.states.length;
    if (end <= room) return;
    const larger = Math.max(end, 2 * room);
    this.states = copy(this.states, new Uint8Array(larger));
    this.calls = copy(this.calls, new Uint32Array(larger));
    this.correlations = copy(this.correlations, new Uint32Array(larger));
    this.places = copy(this.places, new Uint32Array(larger));
  }
}

function copy<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
