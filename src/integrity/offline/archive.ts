import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { Flaw } from "./flaw.ts";

/** A file of an archive. Its bytes are read once, before the next file. */
export interface ArchiveFile {
  readonly name: string;
  /** Bytes that its header claims. */
  readonly size: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * The files of a tar archive in their order; the archive may be compressed with gzip. Holds no more of it than a chunk, and
 * extended headers of at most 4 MiB.
 *
 * @throws Flaw for what is no tar archive, is cut short or damaged, and for anything in it but regular files in the plain
 * ustar form. What reading the chunks throws passes through.
 */
export async function* archiveFiles(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveFile> {
  const source = new Source(chunks);
  const archive = extract();
  const fed = source.pipeTo(archive);
  fed.catch(() => {});
  let last: string | undefined;
  try {
    for await (const entry of archive) {
      const { name, type, size = 0 } = entry.header;
      if (type !== "file")
        throw new Flaw(`the archive holds ${JSON.stringify(name)}, which is ${type ?? "of no known type"} and no file`);
      if ("pax" in entry.header && entry.header.pax !== null) {
        throw new Flaw(`the archive gives ${JSON.stringify(name)} an extended header, which a bundle never has`);
      }
      last = name;
      yield { name, size, chunks: contentOf(entry as unknown as AsyncIterable<Uint8Array>, name, source) };
    }
    await fed;
  } catch (error) {
    throw source.reasonOf(error, last);
  } finally {
    archive.destroy();
  }
}

async function* contentOf(entry: AsyncIterable<Uint8Array>, name: string, source: Source): AsyncGenerator<Uint8Array> {
  try {
    yield* entry;
  } catch (error) {
    throw source.reasonOf(error, name);
  }
}

/** The bytes of the archive, uncompressed where they are not. */
class Source {
  /** What reading the chunks threw: the system's failure, and nothing about the archive. */
  #failure: { readonly error: unknown } | undefined;
  readonly #chunks: AsyncIterable<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks;
  }

  async pipeTo(archive: NodeJS.WritableStream): Promise<void> {
    const chunks = this.#read();
    const { value: first, done } = await chunks.next();
    const bytes = Readable.from(done === true ? [] : withFirst(first, chunks), { objectMode: false });
    await (!done && isGzip(first) ? pipeline(bytes, createGunzip(), archive) : pipeline(bytes, archive));
  }

  /** Why the archive could not be read on, behind the file `last`. */
  reasonOf(error: unknown, last: string | undefined): unknown {
    if (this.#failure !== undefined) return this.#failure.error;
    if (error instanceof Flaw || !isDamage(error)) return error;
    return new Flaw(damageText(error, last), {}, { cause: error });
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#chunks;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

/** Errors of tar-stream, which have no class of their own, and of zlib. */
const TAR_ERRORS = /^(Invalid tar header|Invalid header|Header exceeds max size|Unexpected end of data)/;

function isDamage(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  return TAR_ERRORS.test(error.message) || String((error as NodeJS.ErrnoException).code).startsWith("Z_");
}

function damageText({ message, code }: NodeJS.ErrnoException, last: string | undefined): string {
  const behind = last === undefined ? "" : ` at or behind ${JSON.stringify(last)}`;
  if (message === "Unexpected end of data" || code === "Z_BUF_ERROR") return `the archive is cut short${behind}`;
  if (code !== undefined) return `the gzip data is damaged${behind} (${code})`;
  return last === undefined
    ? "this is no tar archive"
    : `the tar archive is damaged${behind} (${message.split(".", 1)})`;
}
