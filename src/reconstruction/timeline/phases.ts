import type { Move, Step } from "./step.ts";
import { orderTrail } from "./trail.ts";

/** A stay in one phase. The same phase may be entered again. */
export interface Phase {
  readonly name: string;
  readonly startedAt: bigint;
  /** Undefined while it lasts, and for the last phase of a remediation that has ended. */
  readonly endedAt: bigint | undefined;
  /** The event that told of it; undefined for the phase before the first one told. */
  readonly eventId: string | undefined;
}

/** A step that changes the phase of something. */
export type MoveStep = Step & { readonly move: Move };

/** Whose phases are the remediation's own. */
export const REMEDIATION = "orchestrator";

const ENDED = new Set(["Completed", "Failed", "TimedOut", "Skipped", "Cancelled"]);

/** With the phase before the first change and those that are entered otherwise, 500 phases at most. */
const MOST_MOVES = 496;

/** Phases that the orchestrator enters with an event of its own instead of a transition. */
const ENTERED_BY: Readonly<Record<string, string>> = {
  "orchestrator.lifecycle.verifying_started": "Verifying",
  "orchestrator.lifecycle.completed": "Completed",
  "orchestrator.lifecycle.failed": "Failed",
};

/** The phases of the remediation in their order, from the first event on. `steps` are in the order of time. */
export function phasesOf(steps: readonly Step[]): Phase[] {
  const entries = entriesOf(steps);
  const [first] = entries;
  const start = steps[0]?.at;
  if (first === undefined || start === undefined) return [];
  const all = first.from === "" ? entries : [{ to: first.from, at: start, eventId: undefined }, ...entries];
  return all.map(({ to: name, at, eventId }, index) => ({
    name,
    startedAt: at,
    endedAt: all[index + 1]?.at,
    eventId,
  }));
}

/** Whether a remediation in this phase is over. */
export function hasEnded(phase: Phase | undefined): boolean {
  return phase !== undefined && ENDED.has(phase.name);
}

interface Entry {
  readonly from: string;
  readonly to: string;
  readonly at: bigint;
  readonly eventId: string | undefined;
}

function entriesOf(steps: readonly Step[]): Entry[] {
  const entries: Entry[] = movesOf(steps, REMEDIATION).map(({ move, at, eventId }) => ({ ...move, at, eventId }));
  for (const step of steps) {
    const to = enteredBy(step);
    if (to === undefined || entries.some((entry) => entry.to === to)) continue;
    const { at, eventId } = step;
    // Behind everything that came before it or at the same time.
    const place = entries.findLastIndex((entry) => entry.at <= at) + 1;
    entries.splice(place, 0, { from: entries[place - 1]?.to ?? "", to, at, eventId });
  }
  return entries;
}

function enteredBy({ eventType, failure }: Step): string | undefined {
  const phase = Object.hasOwn(ENTERED_BY, eventType) ? ENTERED_BY[eventType] : undefined;
  return phase === "Completed" && failure !== undefined ? "Failed" : phase;
}

/** The first 496 moves of one machine, in the order of its graph. `steps` are in the order of time. */
export function movesOf(steps: readonly Step[], machine: string): MoveStep[] {
  const moves = steps.filter((step): step is MoveStep => step.move?.machine === machine).slice(0, MOST_MOVES);
  return orderTrail(moves.map((step) => ({ from: step.move.from, to: step.move.to, at: step.at, step }))).map(
    ({ step }) => step,
  );
}

/** What has phases besides the remediation itself. */
export function machinesOf(steps: readonly Step[]): string[] {
  const machines = steps.map(({ move }) => move?.machine).filter((machine) => machine !== undefined);
  return [...new Set(machines)].filter((machine) => machine !== REMEDIATION);
}

/** By the beginning of an event's type, the phase that it belongs to when time leaves a choice. */
const AT_HOME: readonly (readonly [prefix: string, phase: string])[] = [
  ["gateway.", "Pending"],
  ["webhook.remediationrequest.", "Pending"],
  ["orchestrator.lifecycle.created", "Pending"],
  ["orchestrator.lifecycle.started", "Pending"],
  ["signalprocessing.", "Processing"],
  ["aianalysis.", "Analyzing"],
  ["aiagent.", "Analyzing"],
  ["workflow.catalog.", "Analyzing"],
  ["orchestrator.approval.", "AwaitingApproval"],
  ["webhook.remediationapprovalrequest.", "AwaitingApproval"],
  ["workflowexecution.", "Executing"],
  ["remediation.", "Executing"],
  ["orchestrator.routing.", "Blocked"],
  ["effectiveness.", "Verifying"],
  ["orchestrator.lifecycle.verif", "Verifying"],
  ["orchestrator.ea.", "Verifying"],
];

/**
 * Index of the phase that a step belongs to: the one that its time lies in. At a boundary (phases that pass within one
 * second of the recording) it is the one where such events are at home; a step that enters a phase belongs to it.
 */
export function phaseIndexOf(step: Step, phases: readonly Phase[]): number {
  const entered = phases.findIndex(({ eventId }) => eventId === step.eventId);
  if (entered >= 0) return entered;
  const at = (index: number) => phases[index] as Phase;
  const around = phases
    .map((_, index) => index)
    .filter((index) => {
      const { startedAt, endedAt } = at(index);
      return startedAt <= step.at && (endedAt === undefined || step.at <= endedAt);
    });
  const home = AT_HOME.find(([prefix]) => step.eventType.startsWith(prefix))?.[1];
  return around.find((index) => at(index).name === home) ?? around.at(-1) ?? 0;
}
