import { createHash } from "node:crypto";
import { type ArchiveFile, archiveFiles } from "./archive.ts";
import { Flaw } from "./flaw.ts";

/** A file that was read to its end, as manifest.json lists it. */
export interface ReadFile {
  readonly name: string;
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

/** The files of a bundle, of which each must be there, in its order, and no other. */
export class BundleFiles {
  readonly #files: AsyncGenerator<ArchiveFile>;
  #last = "";
  /** Those that were read to their end: about 200 bytes of memory for each. */
  readonly read: ReadFile[] = [];

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#files = archiveFiles(chunks);
  }

  /**
   * The next file, which must have one of these names; its chunks are to be read to their end.
   *
   * @throws Flaw where it has another name or is missing.
   */
  async next(...names: readonly string[]): Promise<ArchiveFile> {
    const { value: file, done } = await this.#files.next();
    const wanted = names.map((name) => JSON.stringify(name)).join(" or ");
    const where = this.#last === "" ? "first" : `after ${JSON.stringify(this.#last)}`;
    if (done === true) throw new Flaw(`the archive ends where ${wanted} must come ${where}`);
    if (!names.includes(file.name)) {
      throw new Flaw(`the archive has ${JSON.stringify(file.name)} where ${wanted} must come ${where}`);
    }
    this.#last = file.name;
    return { ...file, chunks: this.#digested(file) };
  }

  /** @throws Flaw where another file follows. */
  async end(): Promise<void> {
    const { value: file, done } = await this.#files.next();
    if (done !== true) throw new Flaw(`the archive has ${JSON.stringify(file.name)} after its end`);
  }

  async close(): Promise<void> {
    await this.#files.return(undefined);
  }

  async *#digested({ name, chunks }: ArchiveFile): AsyncGenerator<Uint8Array> {
    const digest = createHash("sha256");
    let size = 0;
    for await (const chunk of chunks) {
      digest.update(chunk);
      size += chunk.length;
      yield chunk;
    }
    this.read.push({ name, size, sha256: digest.digest("hex") });
  }
}
