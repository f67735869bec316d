import { count, printable } from "../text.ts";
import { outcomesText } from "./progress.ts";
import type { Problem, Tally } from "./tally.ts";

/** How a run ended. */
export interface Ending {
  readonly seconds: number;
  /** Whether all input was read and sent. */
  readonly complete: boolean;
}

/** What a person is told at the end of a run: problems with file and line, then what became of all events. */
export function summaryText(tally: Tally, { seconds, complete }: Ending): string {
  const lines = inFileOrder(tally.problems).map(problemText);
  const more = tally.refused - tally.problems.length;
  if (more > 0) lines.push(`… and ${count(more, "more problem")} (--max-problems shows more)`);
  const rate = seconds > 0 ? `, ${Math.round(tally.settled / seconds).toLocaleString("en-US")}/s` : "";
  lines.push(`${count(tally.events, "event")} in ${seconds.toFixed(1)} s${rate}: ${outcomesText(tally)}`);
  if (tally.batchesSentAgain > 0) lines.push(sentAgainText(tally));
  const unsettled = tally.events - tally.settled;
  if (unsettled > 0) {
    lines.push(`What became of ${count(unsettled, "event")} is not known; recording the same files again is safe.`);
  } else if (!complete) lines.push("Not all input was read; recording the same files again is safe.");
  return `${lines.join("\n")}\n`;
}

/** What the service refuses is known later than what is refused before it is sent. */
function inFileOrder(problems: readonly Problem[]): Problem[] {
  const byFile = Map.groupBy(problems, ({ file }) => file);
  return [...byFile.values()].flatMap((own) => own.sort((a, b) => a.line - b.line));
}

function problemText({ file, line, kind, eventId, violations }: Problem): string {
  const what = kind === "conflict" ? `conflict (event ${eventId})` : kind;
  const [first, ...others] = violations.map(({ field, description }) =>
    printable(field === "" ? description : `${field}: ${description}`),
  );
  const place = `${printable(file)}:${line}: ${what}`;
  return others.length === 0
    ? `${place}: ${first ?? ""}`
    : [place, ...[first, ...others].map((text) => `    ${text}`)].join("\n");
}

function sentAgainText({ batchesSentAgain, duplicatesSentAgain }: Tally): string {
  const batches = `${count(batchesSentAgain, "batch", "batches")} had to be sent again`;
  if (duplicatesSentAgain === 0) return `${batches}.`;
  return `${batches}; ${count(duplicatesSentAgain, "duplicate")} in them may have been recorded by this run.`;
}
