/** Bytes that one UTF-16 code unit takes in UTF-8 at most. */
const BYTES_A_UNIT = 3;
const FIRST_BYTES = 256 * 1024;

/** Texts one after the other, as UTF-8. */
export class TextBuffer {
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafe(FIRST_BYTES);
  #size = 0;

  /** Bytes of what was added. */
  get size(): number {
    return this.#size;
  }

  add(text: string): void {
    const most = this.#size + text.length * BYTES_A_UNIT;
    if (most > this.#bytes.length) this.#grow(most);
    this.#size += this.#bytes.write(text, this.#size);
  }

  /** Gives out what was added, and begins anew. */
  take(): Buffer<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#size);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#size = 0;
    return taken;
  }

  #grow(most: number): void {
    const grown = Buffer.allocUnsafe(Math.max(most, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#size);
    this.#bytes = grown;
  }
}
