import { FieldMap, type Told } from "../facts/field_map.ts";
import { asText, asTime, happened, instead, member, reference } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { mapApproval } from "../map/approval.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import { workflowRef } from "../map/workflow.ts";
import schema from "../schemas/remediationapprovalrequest.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import { mapAnswer } from "./answer.ts";
import {
  asNumber,
  EXPECTED_OF_ALL,
  expected,
  lastNamed,
  mapWhere,
  moveFields,
  putRequestRef,
  textOf,
} from "./shared.ts";

const ASKED = "orchestrator.approval.requested";
const DECIDED = "webhook.remediationapprovalrequest.decided";
const PASSED_ON = ["orchestrator.approval.approved", "orchestrator.approval.rejected"];
const ANSWERS = [DECIDED, ...PASSED_ON];
const decided = (fields: FieldMap) => fields.has("status.decision");

/** The RemediationApprovalRequest; of several the last. */
export const REMEDIATION_APPROVAL_REQUEST: Kind = {
  apiVersion: KUBERNAUT,
  kind: "RemediationApprovalRequest",
  schema,
  labels: { "app.kubernetes.io/component": "remediation-approval" },
  expectations: [
    ...EXPECTED_OF_ALL,
    expected("spec.aiAnalysisRef", ["aianalysis.analysis.completed"]),
    expected("spec.confidence", [ASKED, "aianalysis.analysis.completed"]),
    expected("spec.reason", [ASKED, "aianalysis.analysis.completed"]),
    expected("spec.requiredBy", [ASKED]),
    expected("spec.recommendedWorkflow", [ASKED]),
    expected("spec.investigationSummary", ["aiagent.rca.complete", "aiagent.response.complete"]),
    expected("status.createdAt", [ASKED]),
    expected("status.decidedBy", ANSWERS, decided),
    expected("status.decidedAt", ANSWERS, decided),
  ],
  map: mapRemediationApprovalRequest,
};

function mapRemediationApprovalRequest(request: RequestEvents): MappedObject {
  const told = request.events.filter(({ type }) => type === ASKED || ANSWERS.includes(type));
  const named = lastNamed(told, (event) => textOf(event, "rar_name"));
  const seen = told.filter((event) => ["", named].includes(textOf(event, "rar_name")));
  return mapWhere(request, { name: named || `rar-${request.name}`, seen }, (fields) => {
    putRequestRef(request, seen, fields);
    const answer = new FieldMap();
    for (const event of request.events) {
      mapAnswer(event, answer);
      mapAnalysed(event, request, fields);
    }
    moveFields(answer, fields, { "status.rootCause": "spec.investigationSummary" });
    for (const event of seen) mapAsked(event, fields);
    mapDecision(seen, fields);
  });
}

function mapAnalysed(event: ParsedEvent, request: RequestEvents, fields: FieldMap): void {
  if (event.type !== "aianalysis.analysis.completed") return;
  const name = asText(member(event, "analysis_name"));
  fields.put("spec.aiAnalysisRef", reference(KUBERNAUT, "AIAnalysis", name, request.namespace));
  fields.put("spec.confidence", asNumber(member(event, "confidence")), 0);
  fields.put("spec.reason", asText(member(event, "approval_reason")), 0);
}

function mapAsked(event: ParsedEvent, fields: FieldMap): void {
  if (event.type !== ASKED) return;
  const put = (path: string, from: Told | undefined) => fields.put(path, from, 1);
  put("spec.confidence", asNumber(member(event, "confidence")));
  put("spec.reason", asText(member(event, "reason")));
  put("spec.requiredBy", asTime(member(event, "required_by")));
  put("spec.recommendedWorkflow", workflowRef(event));
  put("status.createdAt", happened(event));
}

/** What was decided; while nothing is, there is no decision. */
function mapDecision(seen: readonly ParsedEvent[], fields: FieldMap): void {
  const approval = new FieldMap();
  for (const event of seen) {
    if (event.type !== ASKED) mapApproval(event, approval);
  }
  const decision = approval.get("status.approval.decision");
  if (decision !== undefined) fields.put("status.decision", instead(decision, decision.value), decision.rank);
  moveFields(approval, fields, {
    "status.approval.decidedAt": "status.decidedAt",
    "status.approval.decidedBy": "status.decidedBy",
    "status.approval.message": "status.decisionMessage",
  });
}
