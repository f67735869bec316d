import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StartFailure } from "../failure.ts";
import type { Output } from "../terminal.ts";

/** Where an export goes. */
export interface Sink {
  /** Name of the file; undefined for standard output. Known when begun. */
  readonly fileName: string | undefined;
  /** `suggested`: the name that the service gives the file. */
  begin(suggested: string): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  /** The bytes are whole. */
  finish(): Promise<void>;
  /** They are not: leaves nothing behind. */
  discard(): Promise<void>;
}

/** A file, which appears under its name when it is whole. Until then it stands beside it as `.<name>.<random>.part`. */
export class FileSink implements Sink {
  #path: string | undefined;
  #part = "";
  #file: FileHandle | undefined;

  /** `path`: undefined for the name that the service gives it, in the working folder. */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  get fileName(): string | undefined {
    return this.#path;
  }

  async begin(suggested: string): Promise<void> {
    // The name comes from outside: it must not lead elsewhere.
    const path = this.#path ?? basename(suggested);
    this.#path = path;
    this.#part = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}.part`);
    this.#file = await this.#tried(open(this.#part, "wx"));
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#tried(this.#file?.writeFile(bytes));
  }

  async finish(): Promise<void> {
    await this.#tried(this.#file?.sync());
    await this.#file?.close();
    this.#file = undefined;
    await this.#tried(rename(this.#part, this.#path as string));
    this.#part = "";
  }

  async discard(): Promise<void> {
    await this.#file?.close().catch(() => {});
    if (this.#part !== "") await rm(this.#part, { force: true }).catch(() => {});
  }

  async #tried<T>(action: Promise<T>): Promise<T>;
  async #tried<T>(action: Promise<T> | undefined): Promise<T | undefined>;
  async #tried<T>(action: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await action;
    } catch (cause) {
      throw new StartFailure(`${this.#path} cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
    }
  }
}

/** Standard output: a reader that goes away ends the export quietly, and what was cut off cannot be taken back. */
export class OutputSink implements Sink {
  readonly fileName = undefined;
  readonly #output: Output;
  readonly #text = new TextDecoder("utf-8");

  constructor(output: Output) {
    this.#output = output;
  }

  async begin(): Promise<void> {}

  async write(bytes: Uint8Array): Promise<void> {
    const { stream } = this.#output;
    if (stream === undefined) return this.#output.write(this.#text.decode(bytes, { stream: true }));
    if (!stream.write(bytes)) await once(stream, "drain").catch(() => {});
    // Tells whether anybody reads on.
    await this.#output.write("");
  }

  async finish(): Promise<void> {}

  async discard(): Promise<void> {}
}
