import type { Expectation } from "../validate/expectation.ts";
import { EXPECTED_OF_ALL, expected, inPhase, SIGNAL, type Stages } from "./shared.ts";

/** Phases of an AIAnalysis. */
export const AI_ANALYSIS_STAGES: Stages = { Pending: 0, Investigating: 1, Analyzing: 2, Completed: 3, Failed: 3 };

const CONTEXT = "spec.analysisRequest.signalContext";
const CLASSIFIED = ["signalprocessing.classification.decision", "signalprocessing.signal.processed"];
const BUSINESS = ["signalprocessing.business.classified", "signalprocessing.signal.processed"];
const ANSWERED = ["aiagent.response.complete"];
const FOUND = ["aiagent.response.complete", "aiagent.rca.complete"];
const ANALYSED = ["aianalysis.analysis.completed"];
const MOVED = ["aianalysis.phase.transition"];
const completed = inPhase("Completed");
const ended = inPhase("Completed", "Failed");

/** What an AIAnalysis should have: the cause once it was found, the workflow once it is completed. */
export const AI_ANALYSIS_EXPECTATIONS: readonly Expectation[] = [
  ...EXPECTED_OF_ALL,
  expected("spec.remediationId", ["orchestrator.lifecycle.created", "gateway.crd.created"]),
  expected(`${CONTEXT}.fingerprint`, SIGNAL),
  expected(`${CONTEXT}.targetResource`, SIGNAL),
  expected(`${CONTEXT}.severity`, CLASSIFIED),
  expected(`${CONTEXT}.signalName`, CLASSIFIED),
  expected(`${CONTEXT}.signalMode`, CLASSIFIED),
  expected(`${CONTEXT}.environment`, [...CLASSIFIED, "aianalysis.approval.decision"]),
  expected(`${CONTEXT}.businessPriority`, CLASSIFIED),
  expected(`${CONTEXT}.enrichmentResults.businessClassification`, BUSINESS),
  expected("status.phase", [...MOVED, ...ANALYSED]),
  expected("status.startedAt", MOVED),
  expected("status.investigationTime", ["aianalysis.aiagent.call", "aianalysis.aiagent.result"], ended),
  expected("status.rootCause", FOUND, completed),
  expected("status.rootCauseAnalysis.summary", FOUND, completed),
  expected("status.rootCauseAnalysis.severity", FOUND, completed),
  expected("status.rootCauseAnalysis.contributingFactors", FOUND, completed),
  expected("status.rootCauseAnalysis.remediationTarget", FOUND, completed),
  expected("status.needsHumanReview", ANSWERED, completed),
  expected("status.selectedWorkflow.workflowId", [...ANSWERED, ...ANALYSED], completed),
  expected("status.selectedWorkflow.confidence", [...ANSWERED, ...ANALYSED], completed),
  expected("status.selectedWorkflow.executionBundle", ANSWERED, completed),
  expected("status.selectedWorkflow.parameters", ANSWERED, completed),
  expected("status.selectedWorkflow.version", ["workflowexecution.selection.completed"], completed),
  expected("status.approvalRequired", [...ANALYSED, "aianalysis.approval.decision"], completed),
  expected("status.approvalReason", [...ANALYSED, "aianalysis.approval.decision"], completed),
  expected("status.investigationId", ANALYSED, completed),
  expected("status.reason", [...ANALYSED, "aianalysis.analysis.failed"], ended),
  expected("status.completedAt", [...ANALYSED, "aianalysis.analysis.failed", ...MOVED], ended),
];
