import { setImmediate as yieldToOthers } from "node:timers/promises";
import { failpoint } from "../failpoint.ts";
import { STREAMS, type StreamName } from "./keys.ts";
import type { QueueStore, StoredEntry } from "./queue_store.ts";
import { QueuedEntry } from "./queued_entry.ts";
import type { Window } from "./window.ts";

/** Bytes of entries that are read ahead of the append under way, as they stand in Valkey. */
const AHEAD_BYTES = 16 * 2 ** 20;
/** Correlations that are remembered of entries read. Beyond it nothing is read until some are gone. */
const CORRELATIONS = 200_000;
/** Bytes that a page should have, its entries at most, and at first, when their size is not known. */
const PAGE_BYTES = 2 * 2 ** 20;
const PAGE_ENTRIES = 200;
const FIRST_PAGE_ENTRIES = 8;
/** Bytes that are decoded before others in the process have their turn. */
const TURN_BYTES = 2 ** 16;

export interface ReadAheadParts {
  readonly store: Pick<QueueStore, "claim" | "read" | "reread">;
  readonly owner: string;
  readonly onClaimed: (stream: StreamName, entries: number) => void;
  /** Correlations that are remembered of entries read; default 200,000, some 50 MB at most. */
  readonly mostCorrelations?: number;
}

/**
 * Reads entries into the window, page by page: first those that were given to a consumer before and not acknowledged, which
 * are lower than any new one, then new ones; always from the stream that was read less far.
 */
export class ReadAhead {
  readonly #parts: ReadAheadParts;
  readonly #window: Window<QueuedEntry>;
  /** Streams whose pending entries are being claimed, and the last id of the page before. */
  readonly #claiming = new Map<StreamName, number>(STREAMS.map((stream) => [stream, 0]));
  #pageEntries = FIRST_PAGE_ENTRIES;
  #loadedBytes = 0;

  constructor(window: Window<QueuedEntry>, parts: ReadAheadParts) {
    this.#window = window;
    this.#parts = parts;
  }

  /** Whether another page may be read. Where nothing in the window can go or become free, another page is the only way on. */
  get hasRoom(): boolean {
    const { ready, held, correlations } = this.#window;
    if (ready === 0 && held === 0) return true;
    const { mostCorrelations = CORRELATIONS } = this.#parts;
    return correlations < mostCorrelations && (ready === 0 || this.#loadedBytes < AHEAD_BYTES);
  }

  /** Reads a page. False: there was nothing more to read. */
  async page(): Promise<boolean> {
    const stream = this.#window.behind;
    const after = this.#claiming.get(stream);
    return after === undefined ? this.#readNew(stream) : this.#claim(stream, after);
  }

  async #claim(stream: StreamName, after: number): Promise<boolean> {
    const { store, owner, onClaimed } = this.#parts;
    const { entries, more } = await store.claim(owner, stream, after, this.#pageEntries);
    failpoint("drain.claim");
    if (entries.length > 0) onClaimed(stream, entries.length);
    const last = entries.at(-1)?.sequence ?? after;
    if (more) this.#claiming.set(stream, last);
    else this.#claiming.delete(stream);
    await this.#take(stream, entries, last);
    return true;
  }

  async #readNew(stream: StreamName): Promise<boolean> {
    const { store, owner } = this.#parts;
    const count = this.#pageEntries;
    const { entries, seen } = await store.read(owner, stream, count);
    failpoint("drain.read");
    const full = entries.length >= count;
    const frontier = full ? (entries.at(-1)?.sequence ?? 0) : seen;
    await this.#take(stream, entries, frontier);
    return full || entries.length > 0 || this.#window.behind !== stream;
  }

  async #take(stream: StreamName, stored: readonly StoredEntry[], frontier: number): Promise<void> {
    const entries: QueuedEntry[] = [];
    let [bytes, turn] = [0, 0];
    for (const one of stored) {
      entries.push(new QueuedEntry(one));
      bytes += one.bytes;
      turn += one.bytes;
      if (turn < TURN_BYTES) continue;
      turn = 0;
      await yieldToOthers();
    }
    this.#loadedBytes += bytes;
    if (bytes > 0) this.#adaptPage(bytes / stored.length);
    this.#window.read(stream, entries, frontier);
  }

  /** Pages grow slowly, so that small entries before large ones do not make a page of hundreds of these. */
  #adaptPage(entryBytes: number): void {
    const wanted = Math.min(PAGE_ENTRIES, Math.floor(PAGE_BYTES / entryBytes), this.#pageEntries * 4);
    this.#pageEntries = Math.max(1, wanted);
  }

  /** Reads the events of an entry again where they were let go. False: the entry is no longer in the queue. */
  async reload(entry: QueuedEntry): Promise<boolean> {
    if (entry.events !== undefined) return true;
    const stored = await this.#parts.store.reread(entry);
    if (stored === undefined) return false;
    entry.events = new QueuedEntry(stored).events;
    this.#loadedBytes += entry.bytes;
    return true;
  }

  /** Lets an entry's events go. */
  unload(entry: QueuedEntry): void {
    if (entry.events === undefined) return;
    entry.events = undefined;
    this.#loadedBytes -= entry.bytes;
  }
}
