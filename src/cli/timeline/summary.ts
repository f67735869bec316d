import type { Timeline, TimelineMove } from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { durationText, millisecondsBetween } from "../duration_text.ts";
import { timeText } from "../events.ts";
import { count, printable } from "../text.ts";
import { microsOf } from "./clock.ts";

/** A line of the head of a timeline. */
export interface SummaryLine {
  readonly label: string;
  readonly text: string;
}

/** The head of a timeline: what it was about, how it went, who took part. Lines without anything to say are left out. */
export function summaryLines(timeline: Timeline): SummaryLine[] {
  const { signalName, signalType, severity, signals, workflow, confidence } = timeline;
  const start = microsOf(timeline.startTime);
  const end = microsOf(timeline.endTime);
  const seen = signals === undefined ? "" : `seen ${count(signals.count, "time")}`;
  const lines: [string, string][] = [
    ["Signal", joined(", ", signalName, signalType, severity, seen)],
    ["Target", joined(" in cluster ", timeline.target, timeline.clusterName)],
    ["Cause", timeline.rootCause],
    ["Workflow", joined(", ", workflow, confidence === undefined ? "" : `confidence ${confidence}`)],
    ["Start", `${timeText(start, 3)} UTC`],
    [
      timeline.outcome === "" ? "So far" : "End",
      `${timeText(end, 3)} UTC, ${durationText(millisecondsBetween(start, end))}`,
    ],
    ["Events", eventsText(timeline)],
    ["AI", aiText(timeline)],
    ["People", peopleText(timeline)],
  ];
  return lines.flatMap(([label, text]) => (text === "" ? [] : [{ label, text: printable(text) }]));
}

/** How it ended, or which phase it is in. */
export function statusText({ outcome, phases }: Timeline): string {
  if (outcome !== "") return printable(outcome);
  const phase = phases.at(-1)?.name ?? "";
  return phase === "" ? "course unknown" : `goes on: ${printable(phase)}`;
}

function eventsText({ eventCount, failureCount }: Timeline): string {
  return `${eventCount.toLocaleString("en-US")}, ${failureCount === 0 ? "no failures" : count(failureCount, "failure")}`;
}

function aiText({ aiWork: ai }: Timeline): string {
  if (ai === undefined) return "";
  const work = `${count(ai.requests, "request")}, ${count(Number(ai.tokens), "token")}`;
  const tools = ai.tools.map(({ name, calls }) => (calls > 1 ? `${name} ×${calls}` : name)).join(", ");
  return joined(
    "; ",
    joined(": ", ai.models.join(", "), work),
    ai.toolCalls === 0 ? "" : `${count(ai.toolCalls, "tool call")}: ${tools}`,
    ai.shadowChecks === 0
      ? ""
      : `${count(ai.shadowChecks, "shadow check")}, ${count(Number(ai.shadowTokens), "token")}`,
  );
}

/** The people by name, each with what they decided. */
function peopleText({ phases, decisions }: Timeline): string {
  const acts = new Map<string, Set<string>>();
  const named = (name: string) => acts.getOrInsertComputed(name, () => new Set());
  for (const { byPerson, decidedBy, decision } of decisions) if (byPerson) named(decidedBy).add(words(decision));
  for (const { steps } of phases) for (const { byPerson, actor } of steps) if (byPerson) named(actor);
  return [...acts]
    .map(([name, decided]) => (decided.size === 0 ? name : `${name} (${[...decided].join(", ")})`))
    .join(", ");
}

/** `timeout modified` of `TimeoutModified`. */
export function words(decision: string): string {
  return decision.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
}

/** `Pending → Investigating 37.0s → Analyzing → Completed`: stays of under a second carry no time. */
export function movesText(moves: readonly TimelineMove[]): string {
  const [first] = moves;
  if (first === undefined) return "";
  const names = first.from === "" ? [] : [first.from];
  for (const [index, { to, time }] of moves.entries()) {
    const next = moves[index + 1];
    const stay = next === undefined ? 0 : millisecondsBetween(microsOf(time), microsOf(next.time));
    names.push(stay >= 1000 ? `${to} ${durationText(stay)}` : to);
  }
  return printable(names.join(" → "));
}

function joined(separator: string, ...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(separator);
}
