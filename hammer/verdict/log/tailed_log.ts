import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { TailLine } from "../../readers/options.ts";
import { Found } from "../finding.ts";

const ID_BYTES = 16;
const FIRST_ROOM = 65_536;

/** What the tail was given, by index. */
export class TailedLog {
  readonly found = new Found();
  #ids = Buffer.alloc(FIRST_ROOM * ID_BYTES);
  /** The index that is to come next. */
  #next = 0;
  #stream = 0;

  /** Indexes below this were given, or told to be removed. */
  get end(): number {
    return this.#next;
  }

  take({ stream, events, removed, upTo }: TailLine): void {
    // Removed stretches and events go by their indexes together.
    const parts = [
      ...removed.map(([first, last]) => ({ first, last, id: undefined })),
      ...events.map(([index, id]) => ({ first: index, last: index, id })),
    ].sort((a, b) => a.first - b.first);
    if (events.some(([index], at) => at > 0 && index <= (events[at - 1]?.[0] as number))) {
      this.found.add(() => `stream ${stream} gave events out of order before ${upTo}`);
    }
    const resumed = stream !== this.#stream ? ", right after it was resumed" : "";
    this.#stream = stream;
    for (const { first, last, id } of parts) {
      const expected = this.#next;
      if (first !== expected) {
        const how = first < expected ? "again" : `after ${expected - 1}`;
        this.found.add(() => `stream ${stream} gave index ${first} ${how}${resumed}`);
      }
      if (id === undefined) this.found.add(() => `stream ${stream} told that ${first} to ${last} are removed`);
      else this.#set(first, id);
      this.#next = Math.max(expected, last + 1);
    }
    if (upTo !== this.#next - 1) {
      this.found.add(
        () => `stream ${stream} told that everything up to ${upTo} is given, and gave up to ${this.#next - 1}`,
      );
    }
  }

  /** Undefined where it was not given. */
  idAt(index: number): string | undefined {
    const bytes = this.#ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES);
    if (bytes.length === 0 || bytes.every((byte) => byte === 0)) return undefined;
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  #set(index: number, id: string): void {
    const needed = (index + 1) * ID_BYTES;
    if (needed > this.#ids.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#ids.length));
      this.#ids.copy(larger);
      this.#ids = larger;
    }
    this.#ids.write(id.replaceAll("-", ""), index * ID_BYTES, "hex");
  }
}

/** Reads what the tail noted: each index once, one after the other, over all its streams. */
export async function readTail(path: string): Promise<TailedLog> {
  const tailed = new TailedLog();
  for await (const line of createInterface(createReadStream(path))) tailed.take(JSON.parse(line) as TailLine);
  return tailed;
}
