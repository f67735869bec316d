/** One line of an input. */
export interface Line {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  /** The line without its end; undefined when it is longer than the limit and was passed over. */
  readonly bytes: Uint8Array | undefined;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/**
 * Splits a stream of bytes into lines, with all that a chunk completes in one array. Ends of lines are LF or CR LF; a byte
 * order mark at the start is passed over. At most `limitBytes` of a line are kept in memory.
 */
export async function* readLines(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Line[]> {
  const splitter = new Splitter(file, limitBytes);
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last !== undefined) yield [last];
}

class Splitter {
  readonly #file: string;
  readonly #limitBytes: number;
  #number = 0;
  /** What came of the line that is not complete yet; undefined once it is over the limit. */
  #parts: Uint8Array[] | undefined = [];
  #bytes = 0;

  constructor(file: string, limitBytes: number) {
    this.#file = file;
    this.#limitBytes = limitBytes;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      this.#add(chunk.subarray(from, at));
      lines.push(this.#complete());
      from = at + 1;
    }
    this.#add(chunk.subarray(from));
    return lines;
  }

  end(): Line | undefined {
    return this.#bytes > 0 ? this.#complete() : undefined;
  }

  #add(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#limitBytes) this.#parts = undefined;
    else if (part.length > 0) this.#parts?.push(part);
  }

  #complete(): Line {
    this.#number += 1;
    const bytes = this.#parts && withoutEdges(joined(this.#parts), this.#number === 1);
    this.#parts = [];
    this.#bytes = 0;
    return { file: this.#file, number: this.#number, bytes };
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

function withoutEdges(line: Uint8Array, isFirst: boolean): Uint8Array {
  const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
  const start =
    isFirst && BYTE_ORDER_MARK.equals(line.subarray(0, BYTE_ORDER_MARK.length)) ? BYTE_ORDER_MARK.length : 0;
  return line.subarray(start, end);
}
