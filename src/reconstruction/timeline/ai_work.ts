import { frequencies } from "./frequencies.ts";
import type { Step } from "./step.ts";

/** What the AI agent did in a remediation, added up. */
export interface AiWork {
  readonly models: readonly string[];
  readonly requests: number;
  readonly responses: number;
  /** Tokens of all responses, as the agent counted them; shadow checks not included. */
  readonly tokens: number;
  readonly toolCalls: number;
  /** How often each tool was called, the most used first. */
  readonly tools: readonly (readonly [name: string, calls: number])[];
  readonly shadowChecks: number;
  readonly shadowTokens: number;
}

/** Adds up the AI's part; undefined where it had none. */
export function sumAi(steps: readonly Step[]): AiWork | undefined {
  const all = steps.map(({ facts }) => facts.ai).filter((ai) => ai !== undefined);
  if (all.length === 0) return undefined;
  const of = (kind: string) => all.filter((ai) => ai.kind === kind);
  const sum = (numbers: readonly (number | undefined)[]) =>
    numbers.reduce<number>((total, one) => total + (one ?? 0), 0);
  // The agent's own total counts each prompt; the answers' counts are taken where it gives none.
  const totals = of("total").map(({ promptTokens, completionTokens }) => sum([promptTokens, completionTokens]));
  return {
    models: [...new Set(all.map(({ model }) => model).filter((model) => model !== undefined))],
    requests: of("request").length,
    responses: of("response").length,
    tokens: sum(totals) || sum(of("response").map(({ tokens }) => tokens)),
    toolCalls: of("tool").length,
    tools: frequencies(of("tool").map(({ tool }) => tool ?? "unnamed")),
    shadowChecks: of("shadow").length,
    shadowTokens: sum(of("shadow").map(({ tokens }) => tokens)),
  };
}
