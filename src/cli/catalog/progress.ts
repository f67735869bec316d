import { Presets, SingleBar } from "cli-progress";
import type { Terminal } from "../terminal.ts";

/** Tells how far a run is, on standard error. */
export interface ApplyProgress {
  /** One file more is done. */
  advance(): void;
  /** Tells something beside it. */
  say(text: string): Promise<void>;
  stop(): void;
}

/** Fewer files are done before a bar is of use. */
const LEAST_FILES = 20;

/** A bar where a person waits and does not see the lines of the results, and nothing elsewhere. */
export function showProgress({ stdout, stderr }: Terminal, files: number): ApplyProgress {
  const { stream } = stderr;
  const wanted = stderr.isTerminal && !stdout.isTerminal && files >= LEAST_FILES;
  if (!wanted || stream === undefined) return { advance() {}, say: (text) => stderr.write(`${text}\n`), stop() {} };
  let done = 0;
  const format = "{bar} {percentage}%  {value} of {total} files";
  const bar = new SingleBar(
    { stream, format, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false },
    Presets.shades_classic,
  );
  bar.start(files, 0);
  return {
    advance() {
      done += 1;
      bar.increment();
    },
    async say(text) {
      bar.stop();
      await stderr.write(`${text}\n`);
      bar.start(files, done);
    },
    stop: () => bar.stop(),
  };
}
