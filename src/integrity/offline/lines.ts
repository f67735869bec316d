import { isUtf8 } from "node:buffer";
import { Flaw } from "./flaw.ts";

/** A line of a file, with its number from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
}

const LINE_FEED = 0x0a;

/**
 * The lines of a file, with all that a chunk completes in one array. Every line ends in a line feed, the last one too.
 *
 * @throws Flaw for a line of more than `limitBytes`, an end without a line feed, and bytes that are no UTF-8.
 */
export async function* readLines(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Line[]> {
  let number = 0;
  let begun: Buffer = Buffer.alloc(0);
  const decoded = (bytes: Uint8Array): Line => {
    number += 1;
    if (bytes.length > limitBytes)
      throw new Flaw(`the line is longer than ${limitBytes} bytes`, { file, line: number });
    if (!isUtf8(bytes)) throw new Flaw("the line is no UTF-8", { file, line: number });
    return { number, text: (bytes as Buffer).toString("utf8") };
  };
  for await (const chunk of chunks) {
    const bytes = begun.length === 0 ? bufferOf(chunk) : Buffer.concat([begun, chunk]);
    const lines: Line[] = [];
    let from = 0;
    // What is left of the chunk before holds no line feed.
    for (let at = bytes.indexOf(LINE_FEED, begun.length); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
      lines.push(decoded(bytes.subarray(from, at)));
      from = at + 1;
    }
    begun = bytes.subarray(from);
    if (begun.length > limitBytes) decoded(begun);
    if (lines.length > 0) yield lines;
  }
  if (begun.length > 0) throw new Flaw("the line does not end in a line feed", { file, line: number + 1 });
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A whole file as text. @throws Flaw where it is longer than `limitBytes` or no UTF-8. */
export async function readText(file: string, chunks: AsyncIterable<Uint8Array>, limitBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limitBytes) throw new Flaw(`is longer than ${limitBytes} bytes`, { file });
    parts.push(chunk);
  }
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) throw new Flaw("is no UTF-8", { file });
  return bytes.toString("utf8");
}
