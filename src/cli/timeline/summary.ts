import { timeText } from "../events.ts";
import { count, printable } from "../text.ts";
import { frequencies } from "./bursts.ts";
import type { Course } from "./course.ts";
import { durationText, millisecondsBetween } from "./duration_text.ts";
import { join } from "./payload.ts";
import { hasEnded, type MoveStep } from "./phases.ts";
import type { Step } from "./step.ts";

/** A line of the head of a timeline. */
export interface SummaryLine {
  readonly label: string;
  readonly text: string;
}

/** The head of a timeline: what it was about, how it went, who took part. Lines without anything to say are left out. */
export function summaryLines(course: Course): SummaryLine[] {
  const { facts, startedAt, endedAt } = course;
  const ended = hasEnded(course.phases.at(-1)?.phase);
  const signal = join(", ", facts.signalName, facts.signalType, facts.severity);
  const lines: [string, string | undefined][] = [
    [
      "Signal",
      join(", ", signal, facts.occurrences === undefined ? undefined : `seen ${count(facts.occurrences, "time")}`),
    ],
    ["Target", join(" in cluster ", facts.target, facts.cluster)],
    ["Cause", facts.rootCause],
    [
      "Workflow",
      join(", ", facts.workflow, facts.confidence === undefined ? undefined : `confidence ${facts.confidence}`),
    ],
    ["Start", `${timeText(startedAt, 3)} UTC`],
    [ended ? "End" : "So far", `${timeText(endedAt, 3)} UTC, ${durationText(millisecondsBetween(startedAt, endedAt))}`],
    ["Events", eventsText(course.steps)],
    ["AI", aiText(course)],
    ["People", peopleText(course)],
  ];
  return lines.flatMap(([label, text]) => (text ? [{ label, text: printable(text) }] : []));
}

function eventsText(steps: readonly Step[]): string {
  const failures = steps.filter(({ failure }) => failure !== undefined).length;
  return `${steps.length.toLocaleString("en-US")}, ${failures === 0 ? "no failures" : count(failures, "failure")}`;
}

function aiText({ ai }: Course): string | undefined {
  if (ai === undefined) return undefined;
  return join(
    "; ",
    join(": ", ai.models.join(", "), `${count(ai.requests, "request")}, ${count(ai.tokens, "token")}`),
    ai.tools.length === 0 ? undefined : `${count(ai.tools.length, "tool call")}: ${frequencies(ai.tools)}`,
    ai.shadowChecks === 0 ? undefined : `${count(ai.shadowChecks, "shadow check")}, ${count(ai.shadowTokens, "token")}`,
  );
}

function peopleText({ people }: Course): string {
  const names = [...new Set(people.map(({ person }) => person))];
  return names
    .map((name) => {
      const acts = people
        .filter(({ person }) => person === name)
        .map(({ step }) => step.facts.decision ?? lastWord(step.eventType));
      return `${name} (${[...new Set(acts)].join(", ")})`;
    })
    .join(", ");
}

function lastWord(eventType: string): string {
  return eventType.slice(eventType.lastIndexOf(".") + 1).replaceAll("_", " ");
}

/** `Pending → Investigating 37.0s → Analyzing → Completed`: stays of under a second carry no time. */
export function movesText(moves: readonly MoveStep[]): string {
  const [first] = moves;
  if (first === undefined) return "";
  const names = first.move.from === "" ? [] : [first.move.from];
  for (const [index, { move, at }] of moves.entries()) {
    const next = moves[index + 1];
    const stay = next === undefined ? 0 : millisecondsBetween(at, next.at);
    names.push(stay >= 1000 ? `${move.to} ${durationText(stay)}` : move.to);
  }
  return printable(names.join(" → "));
}
