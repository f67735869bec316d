import type { Logger } from "../../telemetry/logs.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { parseNote } from "../note/signed_note.ts";
import { KeptCheckpoint } from "./kept_checkpoint.ts";
import { logFolder } from "./log_folder.ts";
import { Notices } from "./notices.ts";

/**
 * The checkpoint that a running service keeps outside of the database. Where its folder cannot be used, the log goes on without:
 * that is told each minute, and tried again with each checkpoint.
 */
export class KeptOutside {
  /** Where it is kept. */
  readonly file: string;
  readonly #kept: KeptCheckpoint;
  readonly #folder: string;
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #notices: Notices;
  #isKept = false;
  /** What is there could not be read, so it was compared with nothing: it is not written over. */
  #unread = false;
  #failing = false;

  constructor(dataDir: string, log: Pick<Logger, "info" | "warn">, monotonicMs: () => number) {
    this.#kept = new KeptCheckpoint(dataDir);
    this.file = this.#kept.file;
    this.#folder = logFolder(dataDir);
    this.#log = log;
    this.#notices = new Notices(monotonicMs);
  }

  /** Whether the latest checkpoint is there: by it one would know that the database was taken back. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** The signed note; absent where none is kept, or where it cannot be read. */
  async read(): Promise<string | undefined> {
    try {
      const note = await this.#kept.read();
      this.#unread = false;
      if (note === undefined) this.#isKept = false;
      return note;
    } catch (error) {
      this.#unread = true;
      this.#failed(error);
      return undefined;
    }
  }

  /** Replaces it where that can be done; once this resolves, also a machine that loses its power keeps it. */
  async write(note: string): Promise<void> {
    if (this.#unread) return;
    try {
      await this.#kept.write(note);
    } catch (error) {
      return this.#failed(error);
    }
    this.#isKept = true;
    if (!this.#failing) return;
    this.#failing = false;
    this.#notices.clear();
    this.#log.info({ file: this.file }, "the checkpoint is kept outside of the database again");
  }

  /** Replaces `before`, as it was read, unless that goes further under the same origin. */
  async follow(before: string | undefined, note: string): Promise<void> {
    const [one, other] = [before, note].map((text) =>
      text === undefined ? undefined : parseCheckpoint(parseNote(text).text),
    );
    if (one === undefined || one.origin !== other?.origin || one.size <= other.size) await this.write(note);
  }

  #failed(error: unknown): void {
    this.#isKept = false;
    this.#failing = true;
    this.#notices.tell("failing", () =>
      this.#log.warn(
        { err: error, file: this.file },
        "the checkpoint cannot be kept outside of the database: the log is signed and published all the same, but this process " +
          `would not notice that the database was taken back. It needs the folder ${this.#folder}, to read and to write there ` +
          "(DATASTORAGE_DATA_DIR)",
      ),
    );
  }
}
