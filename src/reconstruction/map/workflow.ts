import type { JsonObject } from "../../integrity/canonical.ts";
import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, field, instead, member, told } from "../facts/told.ts";
import { isObject } from "../parse/payload.ts";
import type { ParsedEvent } from "../trace.ts";

/** What the analysis found: confidence, the target of the root cause. */
export function mapAnalysis(event: ParsedEvent, fields: FieldMap): void {
  if (event.payload.of === "aianalysis") {
    const rank = event.type === "aianalysis.analysis.completed" ? 1 : 0;
    const confidence = field(event, event.payload.value, "confidence");
    fields.put("status.confidence", instead(confidence, String(confidence?.value)), rank);
  }
  if (event.type === "aiagent.rca.complete" || event.type === "aiagent.response.complete") {
    putTarget(fields, member(event, "response_data", "rootCauseAnalysis", "remediationTarget"), 1);
  }
  const place = member(event, "target_resource");
  if (place !== undefined && ["orchestrator", "workflowexecution"].includes(event.payload.of)) {
    const [namespace, kind, name, ...rest] = String(place.value).split("/");
    if (namespace && kind && name && rest.length === 0) putTarget(fields, instead(place, { kind, name, namespace }), 0);
  }
}

function putTarget(fields: FieldMap, target: Told | undefined, rank: number): void {
  if (target === undefined || !isObject(target.value)) return;
  const { kind, name, namespace } = target.value;
  if (typeof kind !== "string" || typeof name !== "string" || !kind || !name) return;
  const place = typeof namespace === "string" && namespace !== "" ? { namespace } : {};
  fields.put("status.remediationTarget", instead(target, { kind, name, ...place }), rank);
  fields.put("status.targetDisplay", instead(target, `${kind}/${name}`), rank);
}

const CHOSEN: Readonly<Record<string, number>> = {
  "workflowexecution.selection.completed": 3,
  "workflowexecution.execution.started": 2,
  "workflowexecution.workflow.started": 1,
  "remediation.workflow_created": 0,
};

/** The workflow that was chosen, taken whole from the event that says most of it, and the hash of what it changes. */
export function mapWorkflow(event: ParsedEvent, fields: FieldMap): void {
  const rank = Object.hasOwn(CHOSEN, event.type) ? CHOSEN[event.type] : undefined;
  if (rank !== undefined) fields.put("status.selectedWorkflowRef", workflowRef(event), rank);
  const hash = asText(member(event, "pre_remediation_spec_hash"));
  if (event.type === "remediation.workflow_created") fields.put("status.preRemediationSpecHash", hash, 1);
  else if (event.type === "effectiveness.hash.computed") fields.put("status.preRemediationSpecHash", hash, 0);
}

/** The workflow that an event names: id, version, bundle and the digest of that apart. */
export function workflowRef(event: ParsedEvent): Told | undefined {
  const id = asText(member(event, "workflow_id"));
  const version = asText(member(event, "workflow_version"))?.value;
  const image = asText(member(event, "container_image"))?.value as string | undefined;
  const at = image === undefined ? -1 : image.lastIndexOf("@sha256:");
  const bundle = at < 0 ? image : image?.slice(0, at);
  const ref: JsonObject = {
    ...(bundle === undefined ? {} : { executionBundle: bundle }),
    ...(at < 0 ? {} : { executionBundleDigest: image?.slice(at + 1) as string }),
    ...(version === undefined ? {} : { version }),
    workflowId: id?.value ?? "",
  };
  return instead(id, ref);
}

/**
 * status.workflowDisplayName: `ActionType:name`. The name stands in the selection; the action type is that of the last list of
 * workflows that was asked for before it.
 */
export function mapWorkflowName(events: readonly ParsedEvent[], fields: FieldMap): void {
  let actionType: string | undefined;
  for (const event of events) {
    const asked = actionTypeAsked(event)?.value;
    if (typeof asked === "string") actionType = asked;
    if (event.payload.of !== "workflowexecution") continue;
    const name = field(event, event.payload.value, "workflowName");
    const rank = event.type === "workflowexecution.selection.completed" ? 1 : 0;
    const display = actionType === undefined ? name?.value : `${actionType}:${name?.value}`;
    fields.put("status.workflowDisplayName", instead(name, display), rank);
  }
}

function actionTypeAsked(event: ParsedEvent): Told | undefined {
  if (event.type === "workflow.catalog.workflows_listed") return member(event, "query", "action_type");
  if (event.type !== "aiagent.llm.tool_call" || event.data["tool_name"] !== "list_workflows") return undefined;
  const inner = member(event, "tool_arguments", "action_type");
  if (inner !== undefined) return inner;
  const text = event.data["tool_arguments"];
  if (typeof text !== "string") return undefined;
  try {
    return told(event, (JSON.parse(text) as JsonObject)["action_type"], "event_data.tool_arguments");
  } catch {
    return undefined;
  }
}
