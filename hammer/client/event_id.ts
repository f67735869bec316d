/** Where an event comes from, which its id tells. */
export interface EventOrigin {
  /** Number of the client process, 0 to 4095. */
  readonly process: number;
  /** Number of the source within its process, 0 to 4095: a stream or the calls of a writer. */
  readonly source: number;
  /** Number of the event within its source, from 0. */
  readonly counter: number;
}

/** The time of the first id, in milliseconds: later than any index page cares, and the same for all. */
const FIRST = 0x0190_0000_0000;

/**
 * The id of an event, a UUID in the form of version 7: the counter stands where the time does, so that ids of all sources
 * grow together as those of real emitters do. `seed`: 0 to 2^32 - 1; the ids of two seeds are never the same.
 */
export function eventId(seed: number, { process, source, counter }: EventOrigin): string {
  const time = hex(FIRST + counter, 12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(process, 3)}-8${hex(source, 3)}-${hex(seed, 12)}`;
}

const FORM = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{12})$/;

/** Where the event with this id comes from; undefined when no client with this seed made it. */
export function eventOrigin(seed: number, id: string): EventOrigin | undefined {
  const match = FORM.exec(id);
  if (match === null) return undefined;
  const [, high, low, process, source, itsSeed] = match;
  const counter = Number.parseInt(`${high}${low}`, 16) - FIRST;
  if (Number.parseInt(itsSeed as string, 16) !== seed || counter < 0) return undefined;
  return { process: Number.parseInt(process as string, 16), source: Number.parseInt(source as string, 16), counter };
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
