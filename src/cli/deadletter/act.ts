import { Presets, SingleBar } from "cli-progress";
import type { Invocation } from "../command.ts";
import { connect } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { Terminal } from "../terminal.ts";
import { count } from "../text.ts";
import { type Choice, chosenIds, portions } from "./chosen.ts";
import type { CallBounds, DeadLetterClient } from "./letters.ts";

/** What became of one letter. */
export interface LetterResult {
  /** A word such as `recorded`. */
  readonly outcome: string;
  /** What a person is told of this letter alone; empty where its outcome is what was wanted. */
  readonly problem: string;
  /** The result for programs. */
  readonly json: string;
  readonly exit: ExitCode;
}

/** Does something with letters, a portion of ids at a time. */
export type DoPortion = (client: DeadLetterClient, ids: string[], bounds: CallBounds) => Promise<LetterResult[]>;

/**
 * Does an act on the chosen letters: tells what stands in the way of single ones, and at the end how many had which outcome,
 * also when it could not go on. The exit code is the worst of all.
 */
export async function actOn(choice: Choice, invocation: Invocation, doPortion: DoPortion): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const { deadLetters, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const ids = await chosenIds(choice, deadLetters, bounds);
    if (ids.length === 0) {
      await terminal.stderr.write("no dead letters match\n");
      return EXIT.ok;
    }
    const tally = new Map<string, number>();
    const progress = showProgress(terminal, ids.length);
    let exit: ExitCode = EXIT.ok;
    try {
      for (const portion of portions(ids)) {
        const results = await doPortion(deadLetters, portion, bounds);
        for (const { outcome } of results) tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
        exit = worst([exit, ...results.map((result) => result.exit)]);
        const lines = given.has("json") ? results.map(({ json }) => json) : results.map(({ problem }) => problem);
        await terminal.stdout.write(
          lines
            .filter((line) => line !== "")
            .map((line) => `${line}\n`)
            .join(""),
        );
        progress.update(results.length);
      }
    } finally {
      progress.stop();
      if (!given.has("json")) await terminal.stdout.write(`${summaryText(ids.length, tally)}\n`);
    }
    return exit;
  } finally {
    close();
  }
}

/** Letters that stay matter more than letters that are not there. */
function worst(exits: readonly ExitCode[]): ExitCode {
  if (exits.includes(EXIT.refused)) return EXIT.refused;
  return exits.includes(EXIT.notFound) ? EXIT.notFound : EXIT.ok;
}

/** `12 letters: 11 recorded, 1 rejected`. */
export function summaryText(letters: number, tally: ReadonlyMap<string, number>): string {
  const parts = [...tally].map(([outcome, number]) => `${number.toLocaleString("en-US")} ${outcome}`);
  const done = [...tally.values()].reduce((sum, number) => sum + number, 0);
  if (done < letters) parts.push(`${(letters - done).toLocaleString("en-US")} not tried to the end`);
  return `${count(letters, "letter")}: ${parts.join(", ")}`;
}

/** A bar on a terminal, nothing elsewhere. */
function showProgress({ stderr }: Terminal, total: number): { update(letters: number): void; stop(): void } {
  const { stream } = stderr;
  if (!stderr.isTerminal || stream === undefined) return { update() {}, stop() {} };
  const format = "{bar} {percentage}%  {value} of {total} letters";
  const bar = new SingleBar(
    { stream, format, barsize: 24, hideCursor: true, clearOnComplete: true, linewrap: false },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { update: (letters) => bar.increment(letters), stop: () => bar.stop() };
}
