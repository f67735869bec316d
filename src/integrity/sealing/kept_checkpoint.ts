import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { logFolder, makeLogFolder, replaceFile } from "./log_folder.ts";

/** The latest signed checkpoint, kept outside of the database: what a restored or rewritten database cannot take along. */
export class KeptCheckpoint {
  readonly file: string;
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.file = join(logFolder(dataDir), "checkpoint");
  }

  /** The signed note; absent where none is kept. @throws what the file system throws where it cannot be read. */
  async read(): Promise<string | undefined> {
    try {
      return await readFile(this.file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Replaces it; once this resolves, also a machine that loses its power keeps it. @throws what the file system throws. */
  async write(note: string): Promise<void> {
    try {
      await replaceFile(this.file, note);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      makeLogFolder(this.#dataDir);
      await replaceFile(this.file, note);
    }
  }
}
