import { ResourceKind } from "../../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import type { Kind } from "../kind.ts";
import { REMEDIATION_REQUEST } from "../remediation_request.ts";
import { AI_ANALYSIS } from "./ai_analysis.ts";
import { EFFECTIVENESS_ASSESSMENT } from "./effectiveness_assessment.ts";
import { NOTIFICATION_REQUEST } from "./notification_request.ts";
import { REMEDIATION_APPROVAL_REQUEST } from "./remediation_approval_request.ts";
import { SIGNAL_PROCESSING } from "./signal_processing.ts";
import { WORKFLOW_EXECUTION } from "./workflow_execution.ts";

/** The kinds of resource that can be rebuilt. */
export const KINDS: ReadonlyMap<ResourceKind, Kind> = new Map([
  [ResourceKind.REMEDIATION_REQUEST, REMEDIATION_REQUEST],
  [ResourceKind.SIGNAL_PROCESSING, SIGNAL_PROCESSING],
  [ResourceKind.AI_ANALYSIS, AI_ANALYSIS],
  [ResourceKind.WORKFLOW_EXECUTION, WORKFLOW_EXECUTION],
  [ResourceKind.NOTIFICATION_REQUEST, NOTIFICATION_REQUEST],
  [ResourceKind.EFFECTIVENESS_ASSESSMENT, EFFECTIVENESS_ASSESSMENT],
  [ResourceKind.REMEDIATION_APPROVAL_REQUEST, REMEDIATION_APPROVAL_REQUEST],
]);
