import type { JsonObject } from "../../integrity/canonical.ts";
import { PageSize } from "../../page_size.ts";

/** What an item takes beside its texts: the names of its fields, times, ids. */
const ENVELOPE_BYTES = 1024;
/** A Struct in protobuf may take so many times its JSON: 5.5 for a list of digits. */
const STRUCT_GROWTH = 6;

/** Adds up what the items of a reply take, as PageSize; from above, by the JSON texts of what they are made from. */
export class ReplySize {
  readonly #page = new PageSize();
  #items = 0;

  /** Whether the item still fits, and then counts it; the first always does. `settings` become a Struct. */
  fits(item: object, settings: JsonObject = {}): boolean {
    const bytes = ENVELOPE_BYTES + bytesOf(item) + bytesOf(settings) * STRUCT_GROWTH;
    const fits = this.#page.fits({ bound: bytes, measure: () => bytes }) || this.#items === 0;
    if (fits) this.#items++;
    return fits;
  }

  /** Counts what stands in the reply beside its items. */
  add(bytes: number): void {
    this.#page.fits({ bound: bytes, measure: () => bytes });
  }
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
