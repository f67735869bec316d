import { Presets, SingleBar } from "cli-progress";
import type { Terminal } from "../terminal.ts";
import { count, printable } from "../text.ts";
import type { Tally } from "./tally.ts";

/** Tells how far a run is, on standard error. */
export interface Progress {
  /** Adds to the bytes of the input that were read. */
  readBytes(bytes: number): void;
  /** Tells something beside it. */
  say(text: string): void;
  stop(): void;
}

const LINE_INTERVAL_MS = 10_000;
const DRAWS_PER_SECOND = 5;

/** A bar on a terminal, and a plain line every ten seconds elsewhere. `totalBytes`: undefined where nobody knows. */
export function showProgress(terminal: Terminal, tally: Tally, totalBytes: number | undefined): Progress {
  const rate = rateOf(tally);
  const { stream } = terminal.stderr;
  return terminal.stderr.isTerminal && stream !== undefined
    ? new BarProgress(stream, tally, totalBytes, rate)
    : new PlainProgress(terminal, tally, rate);
}

/** Settled events a second since the start. */
function rateOf(tally: Tally): () => string {
  const begun = performance.now();
  return () => `${Math.round(tally.settled / ((performance.now() - begun) / 1000)).toLocaleString("en-US")}/s`;
}

/** What became of the events so far, without what has not happened: `1,200 recorded, 3 duplicates`. */
export function outcomesText(tally: Tally): string {
  const parts: [number, string][] = [
    [tally.recorded, "recorded"],
    [tally.duplicates, tally.duplicates === 1 ? "duplicate" : "duplicates"],
    [tally.queued, "queued"],
    [tally.conflicts, tally.conflicts === 1 ? "conflict" : "conflicts"],
    [tally.rejected, "rejected"],
  ];
  const told = parts.filter(([number, word]) => number > 0 || word === "recorded");
  if (tally.unreadable > 0) return `${joined(told)}, ${count(tally.unreadable, "unreadable line")}`;
  return joined(told);
}

function joined(parts: readonly [number, string][]): string {
  return parts.map(([number, word]) => `${number.toLocaleString("en-US")} ${word}`).join(", ");
}

class BarProgress implements Progress {
  readonly #bar: SingleBar;
  readonly #timer: NodeJS.Timeout;
  readonly #payload: () => { rate: string; outcomes: string; note: string };
  readonly #settled: () => number;
  /** What was said last, until something moves again. */
  #note = "";
  #settledAtNote = 0;
  #bytes = 0;

  constructor(stream: NodeJS.WriteStream, tally: Tally, totalBytes: number | undefined, rate: () => string) {
    const format =
      totalBytes === undefined ? "{rate}  {outcomes}{note}" : "{bar} {percentage}%  {rate}  {outcomes}{note}";
    this.#payload = () => ({ rate: rate(), outcomes: outcomesText(tally), note: this.#note });
    this.#settled = () => tally.settled;
    this.#bar = new SingleBar(
      { stream, format, fps: DRAWS_PER_SECOND, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false },
      Presets.shades_classic,
    );
    this.#bar.start(totalBytes ?? 0, 0, this.#payload());
    this.#timer = setInterval(() => this.#draw(), 1000 / DRAWS_PER_SECOND);
    this.#timer.unref();
  }

  readBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  say(text: string): void {
    this.#note = `  ${printable(text)}`;
    this.#settledAtNote = this.#settled();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#bar.stop();
  }

  #draw(): void {
    if (this.#settled() > this.#settledAtNote) this.#note = "";
    this.#bar.update(this.#bytes, this.#payload());
  }
}

class PlainProgress implements Progress {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;

  constructor(terminal: Terminal, tally: Tally, rate: () => string) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.say(`${outcomesText(tally)} (${rate()})`), LINE_INTERVAL_MS);
    this.#timer.unref();
  }

  readBytes(): void {}

  say(text: string): void {
    this.#terminal.stderr.write(`${text}\n`).catch(() => {});
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
