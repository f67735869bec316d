import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, asTexts, asTime, happened, member, told } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import { workflowRef } from "../map/workflow.ts";
import schema from "../schemas/workflowexecution.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import {
  asDuration,
  asNumber,
  EXPECTED_OF_ALL,
  expected,
  inPhase,
  lastNamed,
  mapWhere,
  putPhase,
  putRequestRef,
  type Stages,
  textOf,
} from "./shared.ts";

const STAGES: Stages = { Pending: 0, Running: 1, Completed: 2, Failed: 2 };

const CHOSEN = ["workflowexecution.selection.completed", "workflowexecution.execution.started"];
const STARTED = ["workflowexecution.execution.started"];
const ENDED = ["workflowexecution.workflow.completed", "workflowexecution.workflow.failed"];
const FAILED = ["workflowexecution.workflow.failed"];
const ran = inPhase("Running", "Completed", "Failed");
const ended = inPhase("Completed", "Failed");
const failed = inPhase("Failed");

/** The WorkflowExecution; of several the one that was begun last. */
export const WORKFLOW_EXECUTION: Kind = {
  apiVersion: KUBERNAUT,
  kind: "WorkflowExecution",
  schema,
  labels: { "app.kubernetes.io/component": "workflow-execution" },
  expectations: [
    ...EXPECTED_OF_ALL,
    expected("spec.workflowRef", CHOSEN),
    expected("spec.targetResource", CHOSEN),
    expected("spec.parameters", [...STARTED, ...ENDED]),
    expected("spec.confidence", ["aianalysis.analysis.completed", "aiagent.response.complete"]),
    expected("status.phase", [...CHOSEN, "workflowexecution.workflow.started", ...ENDED]),
    expected("status.executionRef.name", [...STARTED, ...ENDED], ran),
    expected("status.startTime", ["workflowexecution.workflow.started", ...ENDED], ran),
    expected("status.completionTime", ENDED, ended),
    expected("status.duration", ENDED, ended),
    expected("status.failureDetails.reason", FAILED, failed),
    expected("status.failureDetails.message", FAILED, failed),
    expected("status.failureDetails.failedAt", FAILED, failed),
  ],
  map: mapWorkflowExecution,
};

function mapWorkflowExecution(request: RequestEvents): MappedObject {
  const seen = request.events.filter(({ payload, type }) => isChoice(type) || payload.of === "workflowexecution");
  const named = lastNamed(seen, (event) => textOf(event, "execution_name"));
  const own = seen.filter((event) => ["", named].includes(textOf(event, "execution_name")));
  return mapWhere(request, { name: named || `we-${request.name}`, seen: own }, (fields) => {
    putRequestRef(request, own, fields);
    for (const event of own) {
      mapSpec(event, fields);
      if (isChoice(event.type)) continue;
      mapCourse(event, fields);
      mapFailure(event, fields);
      mapBlockCleared(event, fields);
    }
    for (const event of request.events) mapConfidence(event, fields);
  });
}

/** The orchestrator tells of the workflow that it wants carried out before there is an execution with a name. */
function isChoice(type: string): boolean {
  return type === "remediation.workflow_created";
}

const SPEC_RANKS: Readonly<Record<string, number>> = {
  "remediation.workflow_created": 0,
  "workflowexecution.execution.started": 2,
  "workflowexecution.selection.completed": 3,
};

function mapSpec(event: ParsedEvent, fields: FieldMap): void {
  const rank = Object.hasOwn(SPEC_RANKS, event.type) ? (SPEC_RANKS[event.type] as number) : 1;
  fields.put("spec.workflowRef", workflowRef(event), rank);
  fields.put("spec.targetResource", asText(member(event, "target_resource")), rank);
  fields.putMembers("spec.parameters", asTexts(member(event, "parameters")), rank);
}

function mapConfidence(event: ParsedEvent, fields: FieldMap): void {
  const put = (from: Told | undefined, rank: number) => fields.put("spec.confidence", asNumber(from), rank);
  if (event.type === "aianalysis.analysis.completed") put(member(event, "confidence"), 1);
  else if (event.type === "aiagent.response.complete") {
    put(member(event, "response_data", "selectedWorkflow", "confidence"), 0);
  }
}

function mapCourse(event: ParsedEvent, fields: FieldMap): void {
  const phase = asText(member(event, "phase"));
  putPhase(STAGES, phase, fields);
  fields.put("status.executionRef.name", asText(member(event, "pipelinerun_name")));
  fields.put("status.startTime", asTime(member(event, "started_at")), 1);
  if (event.type === "workflowexecution.workflow.started") fields.put("status.startTime", happened(event), 0);
  if (!ENDED.includes(event.type)) return;
  fields.put("status.completionTime", asTime(member(event, "completed_at")) ?? happened(event));
  fields.put("status.duration", asDuration(member(event, "duration")));
  // What its payload leaves out, the type of the event says.
  const end = event.type.endsWith(".failed") ? "Failed" : "Completed";
  if (phase === undefined) putPhase(STAGES, told(event, end, "event_type"), fields);
}

function mapFailure(event: ParsedEvent, fields: FieldMap): void {
  if (event.type !== "workflowexecution.workflow.failed") return;
  const put = (name: string, from: Told | undefined, rank = 0) =>
    fields.put(`status.failureDetails.${name}`, from, rank);
  put("reason", asText(member(event, "failure_reason")));
  put("message", asText(member(event, "failure_message")), 1);
  put("message", asText(member(event, "error_details", "message")));
  put("failedAt", asTime(member(event, "completed_at")) ?? happened(event));
  put("failedTaskName", asText(member(event, "failed_task_name")));
}

function mapBlockCleared(event: ParsedEvent, fields: FieldMap): void {
  if (event.type !== "workflowexecution.block.cleared") return;
  const by = event.actorType === "service" ? undefined : told(event, event.actorId, "actor_id");
  const actor = told(event, event.actorId, "actor_id");
  const put = (name: string, from: Told | undefined) => fields.put(`status.blockClearance.${name}`, from);
  put("clearedBy", by ?? asText(member(event, "cleared_by")) ?? actor);
  put("clearedAt", asTime(member(event, "cleared_at")) ?? happened(event));
  put("clearReason", asText(member(event, "clear_reason")));
}
