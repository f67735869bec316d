import { type AiWork, sumAi } from "./ai_work.ts";
import { type Burst, frequenciesOf, joinBursts, joinKinds, singly } from "./bursts.ts";
import { type Decision, decisionsOf } from "./decisions.ts";
import type { Facts } from "./facts.ts";
import { type Gap, gapsOf } from "./gaps.ts";
import { hasEnded, type MoveStep, machinesOf, movesOf, type Phase, phaseIndexOf, phasesOf } from "./phases.ts";
import { inCourse, type Step } from "./step.ts";

/** A phase with what happened in it. */
export interface PhaseCourse {
  /** Undefined where the events tell of no phases. */
  readonly phase: Phase | undefined;
  readonly startedAt: bigint;
  readonly bursts: readonly Burst[];
  /** Moves of what works within the remediation, by its name, for those that began in this phase. */
  readonly inner: readonly { readonly machine: string; readonly moves: readonly MoveStep[] }[];
}

/** The course of one remediation, as its events tell it. */
export interface Course {
  readonly correlationId: string;
  readonly facts: Facts;
  /** How it ended, or undefined while it goes on. */
  readonly outcome: string | undefined;
  readonly failed: boolean;
  readonly startedAt: bigint;
  /** Time of the event that ended it; of the last event where none did. */
  readonly endedAt: bigint;
  /** All steps, in the order of the course. */
  readonly steps: readonly Step[];
  readonly phases: readonly PhaseCourse[];
  readonly ai: AiWork | undefined;
  readonly decisions: readonly Decision[];
  /** What failed, by kind. */
  readonly failures: readonly Burst[];
  readonly gaps: readonly Gap[];
}

export interface CourseOptions {
  /** Show each event by itself. */
  readonly expand: boolean;
}

/** Tells the course of a remediation from its events, in whatever order they come. There MUST be at least one. */
export function courseOf(correlationId: string, events: readonly Step[], { expand }: CourseOptions): Course {
  const steps = [...events].sort(inCourse);
  const phases = phasesOf(steps);
  const placed = phases.length === 0 ? [steps] : byPhase(steps, phases);
  const ordered = placed.map(withMovesInOrder);
  const facts = mergeFacts(steps);
  const last = phases.at(-1);
  const first = steps[0] as Step;
  const endedAt = hasEnded(last) ? (last as Phase).startedAt : (steps.at(-1) as Step).at;
  const ai = sumAi(steps);
  const often = frequenciesOf(steps);
  return {
    correlationId,
    facts,
    outcome: facts.outcome ?? (hasEnded(last) ? last?.name : undefined),
    failed: FAILED.has(last?.name ?? "") || FAILED.has(facts.outcome ?? ""),
    startedAt: first.at,
    endedAt,
    steps: ordered.flat(),
    phases: ordered.map((own, index) => ({
      phase: phases[index],
      startedAt: phases[index]?.startedAt ?? first.at,
      bursts: expand ? singly(own) : joinBursts(own, often),
      inner: innerMoves(steps, own),
    })),
    ai,
    decisions: decisionsOf(steps, facts, ai?.models ?? []),
    failures: joinKinds(steps.filter(({ failure }) => failure !== undefined)),
    gaps: gapsOf(steps, phases, endedAt),
  };
}

const FAILED = new Set(["Failed", "TimedOut"]);

function byPhase(steps: readonly Step[], phases: readonly Phase[]): Step[][] {
  const placed: Step[][] = phases.map(() => []);
  for (const step of steps) {
    const index = phaseIndexOf(step, phases);
    // What enters a phase comes before what happened in it at the same time.
    if (step.eventId === phases[index]?.eventId) placed[index]?.unshift(step);
    else placed[index]?.push(step);
  }
  return placed;
}

/** Moves of one machine that share a time change places among themselves, until each leaves where the last one entered. */
function withMovesInOrder(steps: readonly Step[]): Step[] {
  const ordered = [...steps];
  for (const machine of machinesOf(steps)) {
    const places = steps.flatMap((step, index) => (step.move?.machine === machine ? [index] : []));
    const moves = movesOf(steps, machine);
    for (const [index, place] of places.entries()) {
      const move = moves[index];
      if (move !== undefined && move.at === steps[place]?.at) ordered[place] = move;
      else return [...steps];
    }
  }
  return ordered;
}

function innerMoves(all: readonly Step[], own: readonly Step[]): PhaseCourse["inner"] {
  return machinesOf(own)
    .map((machine) => ({ machine, moves: movesOf(all, machine) }))
    .filter(({ moves: [first] }) => first !== undefined && own.some(({ eventId }) => eventId === first.eventId));
}

/** What the events say together: of each fact the last word; of counts of the signal the highest. */
function mergeFacts(steps: readonly Step[]): Facts {
  const merged: Record<string, unknown> = {};
  let occurrences = 0;
  for (const { facts } of steps) {
    const { ai: _, occurrences: told = 0, ...others } = facts;
    Object.assign(merged, others);
    occurrences = Math.max(occurrences, told);
  }
  return occurrences === 0 ? merged : { ...merged, occurrences };
}
