import { ResourceKind } from "../../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { nearest } from "../../config/nearest.ts";
import type { Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";

const KINDS: Readonly<Record<string, ResourceKind>> = {
  RemediationRequest: ResourceKind.REMEDIATION_REQUEST,
  SignalProcessing: ResourceKind.SIGNAL_PROCESSING,
  AIAnalysis: ResourceKind.AI_ANALYSIS,
  WorkflowExecution: ResourceKind.WORKFLOW_EXECUTION,
  NotificationRequest: ResourceKind.NOTIFICATION_REQUEST,
  EffectivenessAssessment: ResourceKind.EFFECTIVENESS_ASSESSMENT,
  RemediationApprovalRequest: ResourceKind.REMEDIATION_APPROVAL_REQUEST,
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** The kind that `--kind` names, in whatever case; without it the RemediationRequest. @throws UsageError. */
export function kindOf(given: Given): ResourceKind {
  const text = given.text("kind");
  if (text === undefined) return ResourceKind.REMEDIATION_REQUEST;
  const name = KIND_NAMES.find((one) => one.toLowerCase() === text.toLowerCase());
  const kind = name && KINDS[name];
  if (kind) return kind;
  const likely = nearest(text, KIND_NAMES);
  const hint = likely === undefined ? "" : `; did you mean ${likely}?`;
  throw new UsageError(`--kind must be one of ${KIND_NAMES.join(", ")}, and not ${JSON.stringify(text)}${hint}`);
}
