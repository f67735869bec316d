import type { Logger } from "../../telemetry/logs.ts";
import { checkpointOf } from "./contradiction.ts";
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
  /** A checkpoint is there, as far as is known. */
  #isThere = false;
  /** What is there could not be read, so it was compared with nothing: it is not written over. */
  #unread = false;
  /** How writing went last; absent before the first time. */
  #works: boolean | undefined;

  constructor(dataDir: string, log: Pick<Logger, "info" | "warn">, monotonicMs: () => number) {
    this.#kept = new KeptCheckpoint(dataDir);
    this.file = this.#kept.file;
    this.#folder = logFolder(dataDir);
    this.#log = log;
    this.#notices = new Notices(monotonicMs);
  }

  /** Whether a checkpoint is there, and later ones can be put in its place: by it one would know that the database was taken back. */
  get isKept(): boolean {
    return this.#isThere && this.#works !== false;
  }

  /** The signed note; absent where none is kept, or where it cannot be read. */
  async read(): Promise<string | undefined> {
    try {
      const note = await this.#kept.read();
      this.#unread = false;
      this.#isThere = note !== undefined;
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
    const again = this.#works === false;
    this.#isThere = true;
    this.#works = true;
    if (!again) return;
    this.#notices.clear();
    this.#log.info({ file: this.file }, "the checkpoint is kept outside of the database again");
  }

  /** Replaces `before`, as it was read, unless it is the same and known to last, or goes further under the same origin. */
  async follow(before: string | undefined, note: string): Promise<void> {
    if (before === note && this.#works === true) return;
    const [there, next] = [checkpointOf(before), checkpointOf(note)];
    const further = there !== undefined && there.origin === next?.origin && there.size > next.size;
    if (!further) await this.write(note);
  }

  #failed(error: unknown): void {
    this.#works = false;
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
