import { count } from "../../count.ts";
import { frequencies } from "./frequencies.ts";
import type { Step } from "./step.ts";

/** One line of a timeline: a step, or several of the same kind that nothing of note came between. */
export interface Burst {
  /** In the order of the course; at least one. */
  readonly steps: readonly [Step, ...Step[]];
  /** One line about all of them. */
  readonly detail: string;
  /** Sum of what is known of their durations. */
  readonly durationMs: number | undefined;
}

/** Kinds of events that come at least so often are bursts, and not of note one by one. */
const OFTEN = 3;
/** The small steps of an investigation are of note only when they fail. */
const SMALL_STEPS = /^(aiagent\.(llm|shadow)|workflow\.catalog)\./;

/** Each step as a line of its own. */
export function singly(steps: readonly Step[]): Burst[] {
  return steps.map((step) => toBurst([step]));
}

/** How often each kind of step comes in a remediation. */
export type Frequencies = ReadonlyMap<string, number>;

/** Counts the steps of a remediation by kind: type, outcome and actor. */
export function frequenciesOf(steps: readonly Step[]): Frequencies {
  const frequencies = new Map<string, number>();
  for (const step of steps) frequencies.set(kindOf(step), (frequencies.get(kindOf(step)) ?? 0) + 1);
  return frequencies;
}

/**
 * Joins steps of the same kind into one line where the course has many of them, up to the next step of note: one of a kind that
 * is seldom. `steps` are those of one phase in the order of the course; `often`, how often each kind comes in all of it.
 */
export function joinBursts(steps: readonly Step[], often: Frequencies): Burst[] {
  const groups: [Step, ...Step[]][] = [];
  const open = new Map<string, [Step, ...Step[]]>();
  for (const step of steps) {
    const kind = kindOf(step);
    const group = open.get(kind);
    if (group !== undefined) {
      group.push(step);
      continue;
    }
    const begun: [Step, ...Step[]] = [step];
    groups.push(begun);
    if ((often.get(kind) ?? 0) >= OFTEN) open.set(kind, begun);
    else if (step.failure !== undefined || !SMALL_STEPS.test(step.eventType)) open.clear();
  }
  return groups.map(toBurst);
}

/** Joins all steps of the same type, outcome and actor, wherever they stand. */
export function joinKinds(steps: readonly Step[]): Burst[] {
  return [...Map.groupBy(steps, kindOf).values()].map((group) => toBurst(group as [Step, ...Step[]]));
}

function kindOf({ eventType, outcome, actor, person }: Step): string {
  return JSON.stringify([eventType, outcome, actor, person]);
}

function toBurst(steps: [Step, ...Step[]]): Burst {
  const known = steps.map(({ durationMs }) => durationMs).filter((ms) => ms !== undefined);
  const durationMs = known.length === 0 ? undefined : known.reduce((sum, ms) => sum + ms, 0);
  return { steps, detail: burstDetail(steps), durationMs };
}

function burstDetail(steps: readonly [Step, ...Step[]]): string {
  const [first] = steps;
  const chain = chainText(steps);
  if (chain !== undefined) return chain;
  if (steps.length === 1) return first.detail;
  const tools = steps.map(({ facts }) => facts.ai?.tool).filter((tool) => tool !== undefined);
  if (tools.length > 0) return frequencyText(tools);
  const tokens = steps.map(({ facts }) => facts.ai?.tokens).filter((number) => number !== undefined);
  if (tokens.length > 0)
    return count(
      tokens.reduce((sum, number) => sum + number, 0),
      "token",
    );
  const models = [...new Set(steps.map(({ facts }) => facts.ai?.model).filter((model) => model !== undefined))];
  if (models.length > 0) return models.join(", ");
  // Of a series, the last one tells where it has come to.
  return steps.at(-1)?.detail ?? "";
}

/** `Pending → Enriching → Classifying`, of moves. */
function chainText(steps: readonly Step[]): string | undefined {
  let text: string | undefined;
  let at: string | undefined;
  for (const { move } of steps) {
    if (move === undefined) return undefined;
    const step = move.from === "" ? move.to : `${move.from} → ${move.to}`;
    if (text === undefined) text = step;
    else text = move.from === at ? `${text} → ${move.to}` : `${text}, ${step}`;
    at = move.to;
  }
  return text;
}

/** `kubectl_describe ×3, kubectl_logs`, the most frequent first. */
function frequencyText(names: readonly string[]): string {
  return frequencies(names)
    .map(([name, times]) => (times > 1 ? `${name} ×${times}` : name))
    .join(", ");
}
