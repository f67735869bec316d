import { hash } from "node:crypto";
import { entryOf, HASH_BYTES, logSalt } from "../entry.ts";

/** Consecutive places of a chain that the log knows: they have indexes, or wait for them. */
export interface LogSegment {
  readonly firstPosition: number;
  readonly count: number;
  /** Where they stand in the log; undefined while they wait. */
  readonly indexed?: { readonly firstIndex: number; readonly salt: string; readonly leaves: string };
  /** Their entries, or the event hashes that wait: 64 hex digits each. */
  readonly hashes: string;
}

/** What the log says of one event. `index`: undefined while it waits, or where `fault` says what is wrong. */
export interface LogVerdict {
  readonly fault?: "not_in_log" | "log_entry";
  readonly description?: string;
  readonly index?: number;
}

/** Segments at once; more of them over one place are a fault already. */
const MOST_AT_ONCE = 16;
const WAITS: LogVerdict = {};

/** Tells of each event of a chain, in the order of places, whether the log commits to it. */
export class LogCover {
  #segments: LogSegment[] = [];
  #complete = false;
  #lastPosition = 0;

  /** The last place that the log knows, of what was added. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Whether more must be added before a place can be looked up. */
  lacks(position: number): boolean {
    const last = this.#segments.at(-1);
    return !this.#complete && (last === undefined || last.firstPosition <= position);
  }

  /** Adds the next segment in the order of first places; undefined: there are no more. */
  add(segment: LogSegment | undefined): void {
    if (segment === undefined) this.#complete = true;
    else {
      this.#lastPosition = Math.max(this.#lastPosition, segment.firstPosition + segment.count - 1);
      if (this.#segments.length === MOST_AT_ONCE) this.#segments.pop();
      this.#segments.push(segment);
    }
  }

  /** What the log says of an event with this hash at a place that is no smaller than that of the call before. */
  look(position: number, eventHash: string): LogVerdict {
    while (this.#segments.length > 0 && endOf(this.#segments[0] as LogSegment) <= position) this.#segments.shift();
    const over = this.#segments.filter((one) => one.firstPosition <= position && position < endOf(one));
    const [segment] = over;
    if (segment === undefined) {
      return { fault: "not_in_log", description: "it stands neither in the log nor among what waits for an index" };
    }
    if (over.length > 1) return { fault: "log_entry", description: "the log has this place more than once" };
    return segment.indexed === undefined
      ? waiting(segment, position, eventHash)
      : indexed(segment, position, eventHash);
  }
}

function endOf({ firstPosition, count }: LogSegment): number {
  return firstPosition + count;
}

function waiting(segment: LogSegment, position: number, eventHash: string): LogVerdict {
  if (hashAt(segment.hashes, position - segment.firstPosition) === eventHash) return WAITS;
  return { fault: "log_entry", description: "the hash that waits for an index is that of another event" };
}

function indexed(segment: LogSegment, position: number, eventHash: string): LogVerdict {
  const { firstIndex, salt, leaves } = segment.indexed as NonNullable<LogSegment["indexed"]>;
  const place = position - segment.firstPosition;
  const index = firstIndex + place;
  const entry = hashAt(segment.hashes, place);
  const fault = (description: string): LogVerdict => ({ fault: "log_entry", description });
  if (entry === "") return fault(`the log holds no entry at index ${index}`);
  if (entry !== entryOf(logSalt(salt, position), position, eventHash)) {
    return fault(`the entry at index ${index} of the log is a commitment to another event`);
  }
  const leaf = hashAt(leaves, place);
  if (leaf === "") return fault(`the tree holds no leaf at index ${index}`);
  return leaf === leafOf(entry) ? { index } : fault(`the tree's leaf at index ${index} is that of another entry`);
}

function hashAt(hashes: string, place: number): string {
  return hashes.slice(2 * HASH_BYTES * place, 2 * HASH_BYTES * (place + 1));
}

const leafInput = Buffer.alloc(1 + HASH_BYTES);

/** Hash of an entry's leaf (RFC 6962, 2.1). In and out in hex. */
function leafOf(entry: string): string {
  leafInput.write(entry, 1, "hex");
  return hash("sha256", leafInput, "hex");
}
