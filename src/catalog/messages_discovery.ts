import { create } from "@bufbuild/protobuf";
import {
  type AvailableAction,
  AvailableActionSchema,
  type ExcludedWorkflow,
  ExcludedWorkflowSchema,
  type LabelContribution,
  LabelContributionSchema,
  LabelMatch,
  type MatchingWorkflow,
  MatchingWorkflowSchema,
} from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import type { DiscoveredWorkflow, AvailableAction as FoundAction } from "./discovery/discovery.ts";
import type { Excluded } from "./discovery/explanation.ts";
import { type Contribution, scoreOf } from "./discovery/match.ts";
import { toDescription, toWorkflow } from "./messages.ts";

export function toAvailableAction({ row, count }: FoundAction): AvailableAction {
  return create(AvailableActionSchema, {
    actionType: row.action_type,
    description: toDescription(row.description),
    workflowCount: count,
  });
}

export function toMatchingWorkflow({ row, points, contributions = [] }: DiscoveredWorkflow): MatchingWorkflow {
  return create(MatchingWorkflowSchema, {
    workflow: toWorkflow(row),
    ...(points !== undefined && { score: scoreOf(points) }),
    contributions: contributions.map(toContribution),
  });
}

export function toExcludedWorkflow({ excludedBy, ...workflow }: Excluded): ExcludedWorkflow {
  return create(ExcludedWorkflowSchema, { ...workflow, excludedBy: excludedBy.map(toContribution) });
}

const MATCHES: Readonly<Record<Contribution["match"], LabelMatch>> = {
  exact: LabelMatch.EXACT,
  wildcard: LabelMatch.WILDCARD,
  mismatch: LabelMatch.MISMATCH,
  not_declared: LabelMatch.NOT_DECLARED,
};

function toContribution({ label, contextValues, workflowValues, match, points }: Contribution): LabelContribution {
  return create(LabelContributionSchema, {
    label,
    contextValues: [...contextValues],
    workflowValues: [...workflowValues],
    match: MATCHES[match],
    // The contract counts in the units of the formula.
    points: points / 1000,
  });
}
