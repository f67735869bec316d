import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ReadersOptions, ReadersProgress } from "./options.ts";

/** Milliseconds between two breaks of the tail that nothing asks for. */
const BREAK_EVERY_MS = 5_000;

/** The process that follows the log and collects checkpoints while a campaign runs. It is gone when this process is. */
export class Readers {
  readonly tailFile: string;
  readonly checkpointsFile: string;
  progress: ReadersProgress = { upTo: -1, streams: 0, checkpoints: 0 };
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  /** Writes what it reads to files in `folder`, which must exist. */
  constructor(addresses: readonly string[], folder: string) {
    this.tailFile = join(folder, "tail.jsonl");
    this.checkpointsFile = join(folder, "checkpoints.jsonl");
    const { tailFile, checkpointsFile } = this;
    const options: ReadersOptions = { addresses, tailFile, checkpointsFile, breakEveryMs: BREAK_EVERY_MS };
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    this.#child = spawn(process.execPath, [main, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin?.on("error", () => {});
    this.#ended = this.#end();
    this.#ended.catch(() => {});
  }

  /** Ends it; its files are whole then. @throws Error when it ended in another way before. */
  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #end(): Promise<void> {
    if (this.#child.stdout !== null) {
      createInterface(this.#child.stdout).on("line", (line) => {
        this.progress = JSON.parse(line) as ReadersProgress;
      });
    }
    const [code, signal] = (await once(this.#child, "close")) as [number | null, string | null];
    if (code !== 0) throw new Error(`the process that reads ended with ${code ?? signal}`);
  }
}
