/** What an item of a page takes in a reply, in bytes. */
export interface ItemSize {
  /** As protobuf or as ProtoJSON, at most; told without looking closely. */
  readonly bound: number;
  /** Exactly: the larger of the two. Asked for only where the bounds are too much for the page. */
  measure(): number;
}

/** 4 MiB, less what stands beside the items. */
const PAGE_BYTES = 3.75 * 1024 * 1024;

/** Adds up the sizes of a page's items, so that no reply grows over gRPC's usual limit of 4 MiB. */
export class PageSize {
  #bytes = 0;
  /** Items that count with their bound so far. */
  #bounded: ItemSize[] = [];

  /** Whether the item still fits, and then counts it; the first always does. */
  fits(item: ItemSize): boolean {
    if (this.#bytes + item.bound <= PAGE_BYTES) {
      this.#bytes += item.bound;
      this.#bounded.push(item);
      return true;
    }
    for (const earlier of this.#bounded) this.#bytes += earlier.measure() - earlier.bound;
    this.#bounded = [];
    const bytes = item.measure();
    if (this.#bytes > 0 && this.#bytes + bytes > PAGE_BYTES) return false;
    this.#bytes += bytes;
    return true;
  }
}
