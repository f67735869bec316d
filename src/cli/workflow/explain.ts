import type {
  ExcludedWorkflow,
  LabelContribution,
  MatchingWorkflow,
} from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { wrapped } from "../catalog/facts.ts";
import type { Palette } from "../colour.ts";
import { count, pad, printable, width } from "../text.ts";

/** The workflows that an incident leaves out. */
export interface Excluded {
  /** How many there are. */
  count: number;
  /** The first of them. */
  workflows: readonly ExcludedWorkflow[];
}

/** A workflow that matches, with its score and what each label gave to it. `columns`: those of the terminal. */
export function explainedText(
  rank: number,
  { workflow, score, contributions }: MatchingWorkflow,
  columns: number | undefined,
  colours: Palette,
): string {
  const name = printable(`${workflow?.workflowName ?? ""} ${workflow?.version ?? ""}`);
  const told = score === undefined ? "" : `  score ${Number(score.toFixed(4))}`;
  const what = printable(workflow?.description?.what ?? "");
  const longest = Math.max(0, ...contributions.map(({ label }) => width(printable(label))));
  return [
    `${rank}. ${colours.bold(name)}${told}`,
    ...wrapped(what, columns, INDENT.length).map((line) => INDENT + colours.dim(line)),
    ...contributions.map((one) => INDENT + contributionText(one, longest, colours)),
  ].join("\n");
}

const INDENT = "     ";

/** `+0.1    detectedLabels.gitOpsTool  asked argocd; the workflow has argocd`. */
function contributionText(contribution: LabelContribution, longest: number, colours: Palette): string {
  const { label, points } = contribution;
  const paint = points > 0 ? colours.green : points < 0 ? colours.red : colours.dim;
  const signed = `${points > 0 ? "+" : ""}${Number(points.toFixed(4))}`;
  return `${paint(pad(signed, 7))} ${pad(printable(label), longest)}  ${comparedText(contribution)}`;
}

/** The values of both sides. */
function comparedText({ contextValues, workflowValues }: LabelContribution): string {
  const [asked, declared] = [contextValues, workflowValues].map((values) => printable(values.join(", ")));
  return `asked ${asked}; the workflow has ${declared === "" ? "none" : declared}`;
}

/** Which workflows were left out, each with the labels that did it; empty when there are none. */
export function excludedText({ count: number, workflows }: Excluded, colours: Palette): string {
  if (number === 0) return "";
  const lines = workflows.flatMap(({ workflowName, version, excludedBy }) => [
    `  ${printable(`${workflowName} ${version}`)}`,
    ...excludedBy.map((one) => `${INDENT}${colours.red(printable(one.label))}  ${comparedText(one)}`),
  ]);
  if (number > workflows.length) lines.push(`  … and ${count(number - workflows.length, "more workflow")}`);
  return `${[colours.bold(`Left out: ${count(number, "workflow")}`), ...lines].join("\n")}\n`;
}
