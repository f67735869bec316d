import { Presets, SingleBar } from "cli-progress";
import type { FsckProgress } from "../../fsck/fsck.ts";
import type { Terminal } from "../terminal.ts";

/** Tells how far the checks are, on standard error. */
export interface Progress {
  show(progress: FsckProgress): void;
  /** Makes room for a line of text: to be called before each. */
  clear(): void;
  stop(): void;
}

const LINE_INTERVAL_MS = 10_000;
const DRAWS_PER_SECOND = 5;

/** A bar on a terminal, and a plain line every ten seconds elsewhere. */
export function showProgress(terminal: Terminal): Progress {
  const { stream } = terminal.stderr;
  return terminal.stderr.isTerminal && stream !== undefined ? new BarProgress(stream) : new PlainProgress(terminal);
}

/** Where a check is, and since when. */
class Latest {
  #progress: FsckProgress | undefined;
  #begun = 0;

  /** Whether it is another check than the one before. */
  take(progress: FsckProgress): boolean {
    const isNew = progress.check !== this.#progress?.check;
    this.#progress = progress;
    if (isNew) this.#begun = performance.now();
    return isNew;
  }

  /** `chains  1,200 of 9,000  600/s`, without what nobody knows. */
  get text(): string {
    if (this.#progress === undefined) return "";
    const { check, done, total } = this.#progress;
    const seconds = (performance.now() - this.#begun) / 1000;
    const of = total === undefined ? "" : ` of ${total.toLocaleString("en-US")}`;
    const rate = seconds > 0 ? `  ${Math.round(done / seconds).toLocaleString("en-US")}/s` : "";
    return done === 0 ? `${check} …` : `${check}  ${done.toLocaleString("en-US")}${of}${rate}`;
  }
}

/** One bar after the other: each check has its own, and those whose end is not known have none. */
class BarProgress implements Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #latest = new Latest();
  #bar: SingleBar | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(progress: FsckProgress): void {
    if (this.#latest.take(progress)) this.stop();
    this.#bar ??= this.#start(progress);
    this.#bar.update(progress.done, { text: this.#latest.text });
  }

  #start({ done, total }: FsckProgress): SingleBar {
    const format = total === undefined ? "{text}" : "{bar} {percentage}%  {text}";
    const drawing = { fps: DRAWS_PER_SECOND, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false };
    const bar = new SingleBar({ stream: this.#stream, format, ...drawing }, Presets.shades_classic);
    bar.start(total ?? 0, done, { text: this.#latest.text });
    return bar;
  }

  /** A bar goes back to the line where it began when it ends, whatever was printed since: so it ends before that. */
  clear(): void {
    this.stop();
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

class PlainProgress implements Progress {
  readonly #latest = new Latest();
  readonly #timer: NodeJS.Timeout;

  constructor({ stderr }: Terminal) {
    this.#timer = setInterval(() => stderr.write(`${this.#latest.text}\n`).catch(() => {}), LINE_INTERVAL_MS);
    this.#timer.unref();
  }

  show(progress: FsckProgress): void {
    this.#latest.take(progress);
  }

  clear(): void {}

  stop(): void {
    clearInterval(this.#timer);
  }
}
