import { FieldMap } from "../facts/field_map.ts";
import { asText, happened, member, told } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import schema from "../schemas/aianalysis.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import { AI_ANALYSIS_EXPECTATIONS, AI_ANALYSIS_STAGES } from "./ai_analysis_expectations.ts";
import { mapAnswer, mapSelectedVersion } from "./answer.ts";
import { mapClassification } from "./classification.ts";
import {
  asBoolean,
  asCapital,
  asNumber,
  lastNamed,
  mapWhere,
  moveFields,
  putPhase,
  putRequestRef,
  signalFields,
  textOf,
} from "./shared.ts";

/** The AIAnalysis. */
export const AI_ANALYSIS: Kind = {
  apiVersion: KUBERNAUT,
  kind: "AIAnalysis",
  schema,
  labels: { "app.kubernetes.io/component": "ai-analysis" },
  expectations: AI_ANALYSIS_EXPECTATIONS,
  map: mapAIAnalysis,
};

function mapAIAnalysis(request: RequestEvents): MappedObject {
  const seen = request.events.filter(tellsOf);
  const named = lastNamed(seen, (event) => (isOwn(event) ? textOf(event, "analysis_name") : ""));
  return mapWhere(request, { name: named || `ai-${request.name}`, seen }, (fields) => {
    putRequestRef(request, seen, fields);
    const ref = fields.get("spec.remediationRequestRef");
    if (ref !== undefined) fields.put("spec.remediationId", told(ref.event, request.name, ref.source), ref.rank);
    mapSignalContext(request, fields);
    for (const event of seen) {
      mapCourse(event, fields);
      mapVerdict(event, fields);
      mapAnswer(event, fields);
    }
    mapSelectedVersion(request.events, fields);
  });
}

/** The orchestrator makes an AIAnalysis on the way to the phase Analyzing. */
function tellsOf(event: ParsedEvent): boolean {
  if (isOwn(event) || event.type.startsWith("aiagent.")) return true;
  return event.payload.of === "orchestrator" && event.payload.value.toPhase === "Analyzing";
}

function isOwn(event: ParsedEvent): boolean {
  return event.payload.of === "aianalysis";
}

const CONTEXT = "spec.analysisRequest.signalContext";

/** What was given to the analysis: of the signal, and of what its processing found. */
function mapSignalContext(request: RequestEvents, fields: FieldMap): void {
  moveFields(signalFields(request), fields, {
    "spec.signalFingerprint": `${CONTEXT}.fingerprint`,
    "spec.targetResource": `${CONTEXT}.targetResource`,
  });
  const found = new FieldMap();
  for (const event of request.events) mapClassification(event, found);
  moveFields(found, fields, {
    "status.environmentClassification.environment": `${CONTEXT}.environment`,
    "status.priorityAssignment.priority": `${CONTEXT}.businessPriority`,
    "status.severity": `${CONTEXT}.severity`,
    "status.signalMode": `${CONTEXT}.signalMode`,
    "status.signalName": `${CONTEXT}.signalName`,
    "status.businessClassification.businessUnit": `${CONTEXT}.enrichmentResults.businessClassification.businessUnit`,
    "status.businessClassification.criticality": `${CONTEXT}.enrichmentResults.businessClassification.criticality`,
    "status.businessClassification.slaRequirement": `${CONTEXT}.enrichmentResults.businessClassification.slaRequirement`,
  });
  for (const event of request.events) {
    if (event.type !== "aianalysis.approval.decision") continue;
    fields.put(`${CONTEXT}.environment`, asCapital(asText(member(event, "environment"))), -1);
  }
}

function mapCourse(event: ParsedEvent, fields: FieldMap): void {
  if (!isOwn(event)) return;
  const phase = asText(member(event, "new_phase")) ?? asText(member(event, "phase"));
  putPhase(AI_ANALYSIS_STAGES, phase, fields);
  if (phase?.value === "Investigating") fields.put("status.startedAt", happened(event));
  const ended = phase?.value === "Completed" || phase?.value === "Failed";
  if (ended) fields.put("status.completedAt", happened(event), event.type === "aianalysis.phase.transition" ? 0 : 1);
  const asked = ["aianalysis.aiagent.result", "aianalysis.aiagent.call"].indexOf(event.type);
  if (asked >= 0) fields.put("status.investigationTime", asNumber(member(event, "duration_ms")), asked);
}

/** What the analysis itself says of its end. */
function mapVerdict(event: ParsedEvent, fields: FieldMap): void {
  const decided = event.type === "aianalysis.approval.decision";
  const ended = event.type === "aianalysis.analysis.completed" || event.type === "aianalysis.analysis.failed";
  if (!decided && !ended) return;
  const rank = ended ? 1 : 0;
  fields.put("status.approvalRequired", asBoolean(member(event, "approval_required")), rank);
  fields.put("status.approvalReason", asText(member(event, "approval_reason")), rank);
  fields.put("status.selectedWorkflow.workflowId", asText(member(event, "workflow_id")), rank);
  fields.put("status.selectedWorkflow.confidence", asNumber(member(event, "confidence")), rank);
  if (!ended) return;
  fields.put("status.reason", asText(member(event, "reason")));
  fields.put("status.message", asText(member(event, "error_details", "message")));
  fields.put("status.investigationId", asText(member(event, "provider_response_summary", "incident_id")));
}
