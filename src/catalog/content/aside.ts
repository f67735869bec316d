import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ContentKind, Outcome } from "./reading.ts";

const HEAP_MEGABYTES = 512;

const TOO_COMPLEX: Outcome = {
  violations: [{ field: "content", description: "must be simpler: it is too complex to read" }],
};

let before: Promise<unknown> = Promise.resolve();

/**
 * Reads a content in a thread of its own, so that a large or hostile one stalls nothing: one at a time, the others wait their
 * turn. One that takes more than `milliseconds` or 512 MiB is refused as too complex. The thread does not keep the process alive.
 */
export function readAside(kind: ContentKind, text: string, milliseconds = 5_000): Promise<Outcome> {
  const turn = before.then(() => readInThread(kind, text, milliseconds));
  before = turn.catch(() => undefined);
  return turn;
}

async function readInThread(kind: ContentKind, text: string, milliseconds: number): Promise<Outcome> {
  const thread = new Worker(new URL("./aside_worker.ts", import.meta.url), {
    workerData: { kind, text },
    // Flags of the process such as --input-type are not for a file.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), milliseconds).unref();
  try {
    const answer = once(thread, "message", { signal: limit.signal });
    // After that: a listener makes the thread hold the process again.
    thread.unref();
    const [outcome] = (await answer) as [string];
    return JSON.parse(outcome) as Outcome;
  } catch (error) {
    if (limit.signal.aborted || (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY")
      return TOO_COMPLEX;
    throw error;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
