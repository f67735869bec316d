import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** A file of JSON objects, one a line. */
export class LineFile<Line> {
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  append(line: Line): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }

  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }
}
