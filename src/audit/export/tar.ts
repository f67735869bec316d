import { pack } from "tar-stream";

/** A file of an archive. */
export interface ArchiveFile {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * A tar archive (POSIX ustar) of these files, in their order: regular, mode 0644, of nobody, from 1970, so that the same files
 * give the same bytes. The next file is asked for when the one before is read but for some kilobytes.
 */
export async function* tarOf(files: AsyncIterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const filled = fill(archive, files).catch((error: Error) => archive.destroy(error));
  try {
    for await (const chunk of archive) yield chunk as Buffer;
  } finally {
    archive.destroy();
    await filled;
  }
}

async function fill(archive: ReturnType<typeof pack>, files: AsyncIterable<ArchiveFile>): Promise<void> {
  for await (const { name, content } of files) {
    const header = { name, size: content.length, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    archive.entry(header, content, (error) => (error ? reject(error) : resolve()));
    await promise;
  }
  archive.finalize();
}
