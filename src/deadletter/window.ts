import { STREAMS, type StreamName } from "./keys.ts";

/** What the window has to know of an entry. */
export interface Placed {
  readonly stream: StreamName;
  /** Its place in the one sequence that both streams share. */
  readonly sequence: number;
  /** The correlations of its events, each once. */
  readonly correlations: readonly string[];
}

/**
 * The entries that were read from the queue and not yet taken to be stored, and which of them may go now: lowest first, over
 * both streams.
 *
 * - An entry counts once everything lower in BOTH streams was read: before that, one that it must come behind may be missing.
 * - Held are: what waits for its next try, what lies behind the place where its stream was stopped, and whatever shares a
 *   correlation with a lower one that is held. All others go.
 *
 * So the entries of a correlation are taken in order, and no other one waits for them.
 */
export class Window<E extends Placed> {
  readonly #onHeld: (entry: E) => void;
  /** Read, but not yet known to be the next: ascending. */
  readonly #arrived: Record<StreamName, E[]> = { events: [], notifications: [] };
  /** Everything of the stream up to here was read. */
  readonly #frontier: Record<StreamName, number> = { events: 0, notifications: 0 };
  /** What may go, and what may not: ascending. */
  #ready: E[] = [];
  #held: E[] = [];
  /** Correlations of those held. */
  readonly #heldCorrelations = new Set<string>();
  /** Those that wait for their next try, and until when. */
  readonly #waiting = new Map<E, number>();
  /** Streams that are not drained behind this place. */
  readonly #stopped = new Map<StreamName, number>();
  #correlations = 0;

  /** `onHeld` is told of every entry that may not go when its turn would have come: it will be here for a while. */
  constructor(onHeld: (entry: E) => void = () => {}) {
    this.#onHeld = onHeld;
  }

  /** Entries that may go now. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Entries that may not. */
  get held(): number {
    return this.#held.length;
  }

  /** Entries that wait for their next try. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** All entries in here. */
  get size(): number {
    return STREAMS.reduce((sum, stream) => sum + this.#arrived[stream].length, this.ready + this.held);
  }

  /** Correlations of all entries in here, each counted once an entry. */
  get correlations(): number {
    return this.#correlations;
  }

  /** The stream that was read less far: the one to be read next. */
  get behind(): StreamName {
    return this.#frontier.events <= this.#frontier.notifications ? "events" : "notifications";
  }

  /** Takes entries of one stream in, ascending, after which everything of it up to `frontier` was read. */
  read(stream: StreamName, entries: readonly E[], frontier: number): void {
    for (const entry of entries) {
      this.#arrived[stream].push(entry);
      this.#correlations += entry.correlations.length;
    }
    this.#frontier[stream] = Math.max(this.#frontier[stream], frontier);
    this.#admit();
  }

  /** Takes the lowest entries that may go, as long as they `fit`. They come back by `giveBack` or `hold`, or never. */
  take(fits: (entry: E) => boolean): E[] {
    let taken = 0;
    for (const entry of this.#ready) {
      if (!fits(entry)) break;
      this.#correlations -= entry.correlations.length;
      taken++;
    }
    return this.#ready.splice(0, taken);
  }

  /** Takes entries in again whose turn has not passed. */
  giveBack(entries: readonly E[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) this.#correlations += entry.correlations.length;
    this.#ready.push(...entries);
    this.#arrange();
  }

  /** Takes one in again that waits until then for its next try. */
  hold(entry: E, until: number): void {
    this.#waiting.set(entry, until);
    this.giveBack([entry]);
  }

  /** Ends the waiting of those whose time has come. */
  release(now: number): void {
    const due = [...this.#waiting].filter(([, until]) => until <= now);
    for (const [entry] of due) this.#waiting.delete(entry);
    if (due.length > 0) this.#arrange();
  }

  /** When the next one has waited long enough; infinite when none waits. */
  get nextRelease(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const until of this.#waiting.values()) next = Math.min(next, until);
    return next;
  }

  /** Holds back what lies behind this place of the stream. */
  stop(stream: StreamName, sequence: number): void {
    this.#stopped.set(stream, Math.min(sequence, this.#stopped.get(stream) ?? sequence));
    this.#arrange();
  }

  /** Lets the stream go on. */
  resume(stream: StreamName): void {
    if (this.#stopped.delete(stream)) this.#arrange();
  }

  #admit(): void {
    const frontier = Math.min(this.#frontier.events, this.#frontier.notifications);
    const admitted = STREAMS.flatMap((stream) => {
      const arrived = this.#arrived[stream];
      const beyond = arrived.findIndex((entry) => entry.sequence > frontier);
      return arrived.splice(0, beyond < 0 ? arrived.length : beyond);
    });
    for (const entry of admitted.sort(bySequence)) this.#place(entry);
  }

  #arrange(): void {
    const all = [...this.#held, ...this.#ready].sort(bySequence);
    this.#held = [];
    this.#ready = [];
    this.#heldCorrelations.clear();
    for (const entry of all) this.#place(entry);
  }

  /** Puts an entry behind all others, where it belongs. */
  #place(entry: E): void {
    if (!this.#mustWait(entry)) {
      this.#ready.push(entry);
      return;
    }
    this.#held.push(entry);
    for (const correlation of entry.correlations) this.#heldCorrelations.add(correlation);
    this.#onHeld(entry);
  }

  #mustWait(entry: E): boolean {
    const stoppedAt = this.#stopped.get(entry.stream);
    return (
      this.#waiting.has(entry) ||
      (stoppedAt !== undefined && entry.sequence > stoppedAt) ||
      (this.#heldCorrelations.size > 0 && entry.correlations.some((one) => this.#heldCorrelations.has(one)))
    );
  }
}

function bySequence(one: Placed, other: Placed): number {
  return one.sequence - other.sequence;
}
