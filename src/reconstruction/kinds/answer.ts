import type { Json } from "../../integrity/canonical.ts";
import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, asTexts, instead, member } from "../facts/told.ts";
import { isObject } from "../parse/payload.ts";
import type { ParsedEvent } from "../trace.ts";
import { asBoolean, asNumber, asTextList } from "./shared.ts";

/** The whole answer counts over what the agent said of the cause before it chose a workflow. */
const RANKS: Readonly<Record<string, number>> = { "aiagent.response.complete": 1, "aiagent.rca.complete": 0 };

/** What the agent answered: cause, workflow, alternatives, in the places of an AIAnalysis' status. */
export function mapAnswer(event: ParsedEvent, fields: FieldMap): void {
  const rank = Object.hasOwn(RANKS, event.type) ? RANKS[event.type] : undefined;
  if (rank === undefined) return;
  const from = (...path: string[]) => member(event, "response_data", ...path);
  const put = (path: string, value: Told | undefined) => fields.put(`status.${path}`, value, rank);
  const cause = (name: string) => from("rootCauseAnalysis", name);
  put("rootCause", asText(cause("summary")));
  put("rootCauseAnalysis.summary", asText(cause("summary")));
  put("rootCauseAnalysis.severity", asText(cause("severity")));
  put("rootCauseAnalysis.signalType", asText(cause("signalType")));
  put("rootCauseAnalysis.contributingFactors", asTextList(cause("contributingFactors")));
  put("rootCauseAnalysis.remediationTarget", asTarget(cause("remediationTarget")));
  if (event.type !== "aiagent.response.complete") return;
  put("needsHumanReview", asBoolean(from("needsHumanReview")));
  put("actionability", asText(from("actionability")));
  put("alternativeWorkflows", asAlternatives(from("alternativeWorkflows")));
  mapSelected(event, fields);
}

function mapSelected(event: ParsedEvent, fields: FieldMap): void {
  const from = (name: string) => member(event, "response_data", "selectedWorkflow", name);
  // What the analysis itself says of the workflow and the confidence has the rank 1.
  const put = (name: string, value: Told | undefined) => fields.put(`status.selectedWorkflow.${name}`, value, 0);
  put("workflowId", asText(from("workflowId")));
  put("confidence", asNumber(from("confidence")));
  put("executionBundle", asText(from("executionBundle")));
  put("executionEngine", asText(from("executionEngine")));
  put("rationale", asText(from("rationale")));
  fields.put("status.selectedWorkflow.version", asText(from("version")), 1);
  fields.putMembers("status.selectedWorkflow.parameters", asTexts(from("parameters")));
}

/** The version of the workflow chosen, which the agent may leave out: that of an execution of the same workflow. */
export function mapSelectedVersion(events: readonly ParsedEvent[], fields: FieldMap): void {
  const chosen = fields.text("status.selectedWorkflow.workflowId");
  for (const event of events) {
    if (chosen === "" || event.data["workflow_id"] !== chosen) continue;
    fields.put("status.selectedWorkflow.version", asText(member(event, "workflow_version")), 0);
  }
}

function asTarget(from: Told | undefined): Told | undefined {
  if (!isObject(from?.value)) return undefined;
  const { kind, name, namespace } = from.value;
  if (typeof kind !== "string" || typeof name !== "string" || !kind || !name) return undefined;
  return instead(from, { kind, name, ...(typeof namespace === "string" && namespace !== "" ? { namespace } : {}) });
}

function asAlternatives(from: Told | undefined): Told | undefined {
  if (!Array.isArray(from?.value)) return undefined;
  const known = (from.value as Json[]).filter(isObject).map(({ confidence, rationale, workflowId }) => ({
    ...(typeof confidence === "number" ? { confidence } : {}),
    ...(typeof rationale === "string" ? { rationale } : {}),
    ...(typeof workflowId === "string" ? { workflowId } : {}),
  }));
  return known.length === 0 ? undefined : instead(from, known);
}
