import type { Decided } from "./decided.ts";
import type { Facts } from "./facts.ts";
import { join } from "./payload.ts";
import type { Step } from "./step.ts";

/** A step that tells of a decision. */
export interface Decision {
  readonly step: Step;
  readonly decided: Decided;
}

/**
 * The decisions of a remediation, each once: the orchestrator's word on an approval is left out where the person's own is there,
 * the policy's evaluation where its decision is, and what a service decides again in the same words.
 */
export function decisionsOf(steps: readonly Step[], facts: Facts, models: readonly string[]): Decision[] {
  const told = steps.flatMap((step) => (step.decided === undefined ? [] : [{ step, decided: step.decided }]));
  const decidedByPerson = new Set(
    told.filter(({ step }) => step.eventType === PERSONS_WORD).map(({ decided }) => decided.about),
  );
  const policyDecided = told.some(({ step }) => step.eventType === POLICYS_WORD);
  const each = told.filter(({ step: { eventType }, decided: { about } }) => {
    if (eventType === "aianalysis.rego.evaluation") return !policyDecided;
    return !(eventType.startsWith("orchestrator.approval.") && decidedByPerson.has(about));
  });
  return each
    .map((one) => (one.decided.what === "WorkflowSelected" ? withModels(one, facts, models) : one))
    .filter((one, index, all) => !repeats(one, all[index - 1]));
}

const PERSONS_WORD = "webhook.remediationapprovalrequest.decided";
const POLICYS_WORD = "aianalysis.approval.decision";

/** The service that records a selection is not the one that chose: that were the models, where events tell of any. */
function withModels({ step, decided }: Decision, { proposal }: Facts, models: readonly string[]): Decision {
  const by = models.length === 0 ? decided.by : models.join(", ");
  return { step, decided: { ...decided, by, why: join(": ", decided.why, proposal) } };
}

function repeats({ step, decided }: Decision, before: Decision | undefined): boolean {
  if (before === undefined || decided.byPerson || step.eventType !== before.step.eventType) return false;
  return decided.what === before.decided.what && decided.by === before.decided.by && decided.why === before.decided.why;
}
