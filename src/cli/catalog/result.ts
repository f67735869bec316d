import type { JsonObject } from "@bufbuild/protobuf";
import { RegistrationOutcome } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import type { Palette } from "../colour.ts";
import type { Failure } from "../failure.ts";
import { count, printable } from "../text.ts";

/** An object that the service took. */
export interface Applied {
  /** Such as `workflow crashloop-rollback-v1 1.5.3`. */
  readonly object: string;
  readonly outcome: RegistrationOutcome;
  /** The version that was active before, where the outcome names one. */
  readonly supersededVersion?: string;
  readonly warnings: readonly string[];
  /** The answer for programs. */
  readonly json: JsonObject;
}

/** What became of an object, or of a file that could not be used. */
export type ApplyResult = { readonly file: string; readonly line?: number } & (
  | { readonly applied: Applied }
  | { readonly refused: NonNullable<Failure["answer"]> }
  | { readonly problem: string }
);

const WORDS: Readonly<Record<RegistrationOutcome, string>> = {
  [RegistrationOutcome.UNSPECIFIED]: "unknown",
  [RegistrationOutcome.CREATED]: "created",
  [RegistrationOutcome.UNCHANGED]: "unchanged",
  [RegistrationOutcome.UPDATED]: "updated",
  [RegistrationOutcome.REENABLED]: "reenabled",
  [RegistrationOutcome.SUPERSEDED_PREVIOUS]: "superseding",
};

/** The word for what happened, under which it is counted; of a failure `refused`. Undefined for a file that is no object. */
function wordOf(result: ApplyResult): string | undefined {
  if ("applied" in result) return WORDS[result.applied.outcome] ?? "unknown";
  return "refused" in result ? "refused" : undefined;
}

/** A result for people: a line, and one more for each rule that is broken. */
export function resultText(result: ApplyResult, dryRun: boolean, colours: Palette): string {
  if (!("applied" in result)) return problemText(result, colours);
  const { object, outcome, supersededVersion } = result.applied;
  const word = wordOf(result) ?? "";
  const paint = outcome === RegistrationOutcome.UNCHANGED ? colours.dim : colours.green;
  const done =
    outcome === RegistrationOutcome.SUPERSEDED_PREVIOUS ? `supersedes ${printable(supersededVersion ?? "")}` : word;
  return `${printable(object)} ${paint(done)}${dryRun ? " (dry run)" : ""}`;
}

function problemText(result: Exclude<ApplyResult, { applied: Applied }>, colours: Palette): string {
  const place = placeOf(result);
  if ("problem" in result) return `${place}: ${printable(result.problem)}`;
  const { code, reason, message, violations } = result.refused;
  const told = reason === undefined || reason === code ? "" : ` (${printable(reason)})`;
  const head = `${place}: ${colours.red("refused")}${told}`;
  if (violations.length === 0) return `${head}: ${printable(message)}`;
  const lines = violations.map(({ field, description }) =>
    printable(field === "" ? description : `${field}: ${description}`),
  );
  return [head, ...lines.map((line) => `    ${line}`)].join("\n");
}

/** The file, and the line where the object begins in a file with several. */
export function placeOf({ file, line }: ApplyResult): string {
  const name = file === "-" ? "standard input" : printable(file);
  return line === undefined ? name : `${name}:${line}`;
}

/** A result for programs: one line of JSON. */
export function resultJson(result: ApplyResult, dryRun: boolean): string {
  const { file, line } = result;
  const place = { file, ...(line !== undefined && { line }), ...(dryRun && { dry_run: true }) };
  if ("applied" in result) return JSON.stringify({ ...place, ...result.applied.json });
  return JSON.stringify({ ...place, error: "refused" in result ? result.refused : { message: result.problem } });
}

/** Counts what became of the objects of a run. */
export class ApplyTally {
  readonly #outcomes = new Map<string, number>();
  files = 0;
  /** Files of folders that hold no object of the kind. */
  without = 0;
  /** Files that could not be used. */
  unusable = 0;
  /** Whether all files were looked at. */
  complete = false;

  add(result: ApplyResult): void {
    const word = wordOf(result);
    if (word === undefined) this.unusable += 1;
    else this.#outcomes.set(word, (this.#outcomes.get(word) ?? 0) + 1);
  }

  get objects(): number {
    return [...this.#outcomes.values()].reduce((sum, number) => sum + number, 0);
  }

  /** Whether something could not be applied. */
  get failed(): boolean {
    return this.unusable > 0 || this.#outcomes.has("refused");
  }

  /** `4 workflows in 6 files: 3 created, 1 refused; 2 files without one`. */
  text(noun: string, dryRun: boolean): string {
    const outcomes = [...this.#outcomes].map(([word, number]) => `${number.toLocaleString("en-US")} ${word}`);
    const parts = [
      `${count(this.objects, noun)} in ${count(this.files, "file")}${outcomes.length > 0 ? `: ${outcomes.join(", ")}` : ""}`,
      ...(this.without > 0 ? [`${count(this.without, "file")} without one`] : []),
      ...(this.unusable > 0 ? [`${count(this.unusable, "file")} not usable`] : []),
    ];
    const stopped = this.complete ? "" : "\nStopped before the end; applying the same files again is safe.";
    return parts.join("; ") + (dryRun ? " (dry run)" : "") + stopped;
  }
}
