import { randomUUIDv7 } from "node:crypto";
import type { OwnEvent } from "../../audit/own_event.ts";
import { parseTimestamp, timestampText } from "../../audit/timestamp.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { ActionTypeRow, WorkflowRow } from "../rows.ts";
import type { ActionTypeUse } from "./action_type_rules.ts";
import type { Write } from "./decision.ts";

/** A correlation id for one change. No remediation's: a change makes no remediation's chain longer. */
export function newChangeId(): string {
  return `catalog-${randomUUIDv7()}`;
}

/** The events of a change: one for each row that it makes, in the order of the writes. `reason` is a person's, if one was given. */
export function changeEvents(writes: readonly Write[], correlationId: string, reason?: string): OwnEvent[] {
  const last = writes.at(-1);
  return writes.map((write) =>
    write.table === "action_type"
      ? actionTypeEvent(write.before, write.after, correlationId, reason)
      : workflowEvent(write, last?.table === "workflow" ? last.after : undefined, correlationId),
  );
}

/** The event of a disabling that was refused because active workflows use the action type. */
export function denialEvent(row: ActionTypeRow, use: ActionTypeUse, correlationId: string, reason: string): OwnEvent {
  return {
    ...actionTypeSubject("disable_denied", row.action_type, correlationId),
    outcome: "failure",
    data: { action_type: row.action_type, reason, active_workflow_count: use.count, workflows: use.names },
  };
}

function actionTypeEvent(
  before: ActionTypeRow | undefined,
  after: ActionTypeRow,
  correlationId: string,
  reason: string | undefined,
): OwnEvent {
  const kind = actionTypeAct(before, after);
  const described = { description: { ...after.description } as JsonObject };
  const replaced = before && { old_description: { ...before.description } as JsonObject };
  const facts: Record<typeof kind, JsonObject> = {
    created: described,
    updated: { ...described, ...replaced },
    reenabled: {
      ...described,
      ...replaced,
      previously_disabled_by: before?.disabled_by ?? null,
      previously_disabled_at: before?.disabled_at ? timestampText(parseTimestamp(before.disabled_at)) : null,
    },
    disabled: { reason: reason ?? null },
  };
  return {
    ...actionTypeSubject(kind, after.action_type, correlationId),
    outcome: "success",
    data: { action_type: after.action_type, status: after.status, ...facts[kind] },
  };
}

function actionTypeAct(before: ActionTypeRow | undefined, after: ActionTypeRow) {
  if (before === undefined) return "created";
  if (before.status === after.status) return "updated";
  return after.status === "active" ? "reenabled" : "disabled";
}

function actionTypeSubject(act: string, actionType: string, correlationId: string) {
  return { type: `datastorage.actiontype.${act}`, correlationId, resource: { type: "ActionType", id: actionType } };
}

type WorkflowWrite = Extract<Write, { table: "workflow" }>;

function workflowEvent(write: WorkflowWrite, registered: WorkflowRow | undefined, correlationId: string): OwnEvent {
  const { before, after } = write;
  const facts = before === undefined ? createdFacts(write) : updatedFacts(before, after, registered);
  return {
    type: `datastorage.workflow.${before === undefined ? "created" : "updated"}`,
    outcome: "success",
    correlationId,
    resource: { type: "RemediationWorkflow", id: after.workflow_id },
    data: {
      workflow_id: after.workflow_id,
      workflow_name: after.workflow_name,
      version: after.version,
      action_type: after.action_type,
      status: after.status,
      is_latest_version: after.is_latest_version,
      content_hash: after.content_hash,
      ...facts,
    },
  };
}

function createdFacts(write: WorkflowWrite): JsonObject {
  if (write.before !== undefined) return {};
  const { executionBundle, executionBundleDigest } = write.content;
  return { execution_bundle: executionBundle, execution_bundle_digest: executionBundleDigest };
}

/** `registered` is the version that takes the place of one that is superseded, or only gives up being the latest. */
function updatedFacts(before: WorkflowRow, after: WorkflowRow, registered: WorkflowRow | undefined): JsonObject {
  const from = { from_status: before.status, to_status: after.status };
  const gaveUp = before.is_latest_version && !after.is_latest_version;
  const successor = gaveUp && registered && { workflow_id: registered.workflow_id, version: registered.version };
  if (before.status === after.status) return { ...from, ...(successor && { replaced_as_latest_by: successor }) };
  return { ...from, reason: after.status_reason, ...(successor && { superseded_by: successor }) };
}
