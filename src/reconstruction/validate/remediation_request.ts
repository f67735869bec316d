import type { FieldMap } from "../facts/field_map.ts";
import type { Expectation } from "./expectation.ts";

const SIGNAL = ["gateway.signal.received", "gateway.crd.created", "apifrontend.rr.created"];
const RECEIVED = ["gateway.signal.received"];
const MOVED = ["orchestrator.lifecycle.transitioned"];
const ENDED = ["orchestrator.lifecycle.completed", "orchestrator.lifecycle.failed"];
const TIMEOUTS = ["orchestrator.lifecycle.created", "webhook.remediationrequest.timeout_modified"];
const ANALYSED = ["aianalysis.analysis.completed"];
const NAMED = ["orchestrator.lifecycle.created", "gateway.crd.created"];

/** Phases in the order of the course; those that may be left out stand beside the one they come before. */
const STAGES: Readonly<Record<string, number>> = {
  Pending: 0,
  Processing: 1,
  SignalProcessing: 1,
  Analyzing: 2,
  AIAnalysis: 2,
  AwaitingApproval: 2,
  Approval: 2,
  Executing: 3,
  WorkflowExecution: 3,
  Verifying: 4,
  Completed: 4,
};

/** How far a remediation has come, by its phase, by what it failed in, and by the phases that it is known to have begun. */
function stageOf(fields: FieldMap): number {
  const named = [fields.text("status.overallPhase"), fields.text("status.failurePhase")];
  const stages = named.map((phase) => (Object.hasOwn(STAGES, phase) ? (STAGES[phase] as number) : 0));
  if (fields.has("status.processingStartTime")) stages.push(1);
  if (fields.has("status.analyzingStartTime")) stages.push(2);
  if (fields.has("status.executingStartTime")) stages.push(3);
  return Math.max(...stages);
}

const phase = (fields: FieldMap) => fields.text("status.overallPhase");
const reached = (stage: number) => (fields: FieldMap) => stageOf(fields) >= stage;
const ended = (fields: FieldMap) => ["Completed", "Failed"].includes(phase(fields));
const failed = (fields: FieldMap) => phase(fields) === "Failed";
const completed = (fields: FieldMap) => phase(fields) === "Completed";
const asked = (fields: FieldMap) => fields.has("status.approval.name") || phase(fields) === "AwaitingApproval";

const expect = (path: string, eventTypes: readonly string[], when?: Expectation["when"]): Expectation =>
  when === undefined ? { path, eventTypes } : { path, eventTypes, when };
const require = (path: string, eventTypes: readonly string[]): Expectation => ({ path, eventTypes, required: true });

/** What a RemediationRequest should have: some fields always, others once it has come far enough. */
export const REMEDIATION_REQUEST_EXPECTATIONS: readonly Expectation[] = [
  require("metadata.namespace", NAMED),
  require("spec.signalName", SIGNAL),
  require("spec.signalType", SIGNAL),
  expect("spec.signalFingerprint", SIGNAL),
  expect("spec.severity", SIGNAL),
  expect("spec.targetResource", SIGNAL),
  expect("spec.targetType", SIGNAL),
  expect("spec.receivedTime", SIGNAL),
  expect("spec.signalLabels", RECEIVED),
  expect("spec.signalAnnotations", RECEIVED),
  expect("spec.originalPayload", RECEIVED),
  expect("spec.providerData", RECEIVED),
  expect("spec.signalSource", RECEIVED),
  expect("spec.firingTime", RECEIVED),
  expect("status.overallPhase", ["orchestrator.lifecycle.created", ...MOVED, ...ENDED]),
  expect("status.startTime", ["orchestrator.lifecycle.started"]),
  expect("status.timeoutConfig", TIMEOUTS),
  expect("status.deduplication.firstSeenAt", ["gateway.signal.received", "gateway.crd.created"]),
  expect("status.deduplication.occurrenceCount", ["gateway.crd.created", "gateway.signal.deduplicated"]),
  expect("status.processingStartTime", MOVED, reached(1)),
  expect("status.signalProcessingRef", [...MOVED, "signalprocessing.signal.processed"], reached(1)),
  expect("status.analyzingStartTime", MOVED, reached(2)),
  expect("status.aiAnalysisRef", ANALYSED, reached(3)),
  expect("status.confidence", ANALYSED, reached(3)),
  expect("status.remediationTarget", ["aiagent.rca.complete", "aiagent.response.complete"], reached(3)),
  expect("status.executingStartTime", MOVED, reached(3)),
  expect("status.selectedWorkflowRef", ["workflowexecution.selection.completed"], reached(3)),
  expect("status.workflowDisplayName", ["workflowexecution.selection.completed"], reached(3)),
  expect("status.workflowExecutionRef", ["workflowexecution.execution.started"], reached(3)),
  expect("status.preRemediationSpecHash", ["remediation.workflow_created"], reached(3)),
  expect("status.effectivenessAssessmentRef", ["orchestrator.ea.created"], reached(4)),
  expect("status.approval.name", ["orchestrator.approval.requested"], asked),
  expect("status.approval.decision", ["webhook.remediationapprovalrequest.decided"], asked),
  expect("status.approval.decidedBy", ["webhook.remediationapprovalrequest.decided"], decided),
  expect("status.blockReason", ["orchestrator.routing.blocked"], (fields) => phase(fields) === "Blocked"),
  expect("status.completedAt", ENDED, ended),
  expect("status.outcome", ENDED, completed),
  expect("status.failurePhase", ENDED, failed),
  expect("status.failureReason", ENDED, failed),
  expect("status.error", ENDED, failed),
  expect("status.notificationRequestRefs", ["notification.message.sent"], ended),
  expect("status.notificationStatus", ["notification.message.sent"], ended),
];

/** Whether a person was asked and the remediation went on from there. */
function decided(fields: FieldMap): boolean {
  return asked(fields) && phase(fields) !== "AwaitingApproval";
}
