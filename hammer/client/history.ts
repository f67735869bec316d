import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";

const sync = promisify(fdatasync);

/** How long lines are gathered before they are brought to the disk, in milliseconds: what is sent waits for it. */
const GATHER_MS = 15;

/** What a client did. */
export type Line =
  | { readonly t: "process"; readonly seed: number; readonly process: number }
  /** A new batch of a source: `count` events from `first` on. */
  | {
      readonly t: "batch";
      readonly batch: number;
      readonly source: number;
      readonly first: number;
      readonly count: number;
      /** It must not be queued. */
      readonly required: boolean;
    }
  /** A batch that was acknowledged is sent again on purpose, as a batch of its own. */
  | { readonly t: "repeat"; readonly batch: number; readonly of: number }
  /** One event of a batch that was recorded is sent again with other content, as a batch of its own. */
  | { readonly t: "twin"; readonly batch: number; readonly source: number; readonly counter: number }
  /** A stream or a connection for calls was opened. `ordered`: what is acknowledged on it keeps its order. */
  | { readonly t: "opened"; readonly call: number; readonly address: string; readonly ordered: boolean }
  /** A batch goes out: before its first byte does. */
  | { readonly t: "sent"; readonly batch: number; readonly call: number }
  /** Every event of a batch has its outcome, in the form of outcomesText. */
  | { readonly t: "acked"; readonly batch: number; readonly call: number; readonly outcomes: string }
  /** The batch was sent and has no outcome: its fate is unknown. */
  | { readonly t: "unknown"; readonly batch: number; readonly call: number; readonly why: string }
  /** The first event of a batch was answered RECORDED or DUPLICATE, and a read right after that did not find it. */
  | { readonly t: "missing"; readonly batch: number }
  /** Everything has its outcome. */
  | { readonly t: "end" };

/** The history of one client process: a line of JSON for everything that it did, in its order, with `at`, its clock. */
export class History {
  readonly #file: number;
  #lines: string[] = [];
  #synced: Promise<void> | undefined;

  constructor(path: string) {
    this.#file = openSync(path, "w");
  }

  /** The line is on the disk a moment later; see `durable`. */
  append(line: Line): void {
    this.#lines.push(JSON.stringify({ ...line, at: Date.now() }));
    void this.durable();
  }

  /** Resolves when everything appended so far is on the disk. Whoever waits at the same time shares the cost. */
  durable(): Promise<void> {
    this.#synced ??= this.#sync();
    return this.#synced;
  }

  async close(): Promise<void> {
    await this.durable();
    closeSync(this.#file);
  }

  async #sync(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    const lines = this.#lines;
    this.#lines = [];
    // What is appended from here on belongs to the next.
    this.#synced = undefined;
    if (lines.length > 0) writeSync(this.#file, `${lines.join("\n")}\n`);
    await sync(this.#file);
  }
}
