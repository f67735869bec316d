import semver from "semver";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { WorkflowContent } from "../content/content.ts";
import type { ActionTypeState, WorkflowRow } from "../rows.ts";
import type { Registration, Stamp, Write } from "./decision.ts";
import { changeState, giveUpLatest } from "./lifecycle.ts";
import { refusal } from "./refusal.ts";

/** What a registration needs to know of the catalog. */
export interface KnownVersions {
  /** The latest version of the name; the active one is always the latest. */
  readonly latest: WorkflowRow | undefined;
  /** The row of the same version; it may be the latest. */
  readonly same: WorkflowRow | undefined;
  /** State of the content's action type; undefined where there is none of that name. */
  readonly actionType: ActionTypeState | undefined;
}

/**
 * Decides on the registration of a version: the table of docs/catalog.md.
 *
 * @throws Fault `precondition`: ACTION_TYPE_UNKNOWN, ACTION_TYPE_DISABLED, ACTION_TYPE_DIFFERS, VERSION_SPENT,
 * VERSION_CONTENT_CHANGED, VERSION_SUPERSEDED, VERSION_LOWER.
 */
export function decideRegistration(
  content: WorkflowContent,
  known: KnownVersions,
  allowDowngrade: boolean,
  stamp: Stamp,
): Registration<WorkflowRow> {
  const { latest, same } = known;
  const active = latest?.status === "active" ? latest : undefined;
  if (same?.status === "active" && isSameContent(same, content)) {
    return { result: "unchanged", writes: [], row: same, supersededVersion: "" };
  }
  checkActionType(content, known.actionType, active);
  if (same !== undefined) checkSameVersion(content, same, active, allowDowngrade);
  if (active !== undefined) checkOrder(content, active, allowDowngrade);

  const writes = [...givenUp(content, latest, same, stamp), registered(content, same, stamp)];
  const result = active !== undefined ? "superseded_previous" : same !== undefined ? "reenabled" : "created";
  return { result, writes, row: writes.at(-1)?.after as WorkflowRow, supersededVersion: active?.version ?? "" };
}

function isSameContent(row: WorkflowRow, content: WorkflowContent): boolean {
  return row.content_hash === content.contentHash;
}

function checkActionType(
  { actionType, workflowName }: WorkflowContent,
  state: ActionTypeState | undefined,
  active: WorkflowRow | undefined,
): void {
  const facts = { workflow_name: workflowName, action_type: actionType };
  if (state === undefined) {
    throw refusal(
      "ACTION_TYPE_UNKNOWN",
      `there is no action type ${actionType}: register it before its workflows`,
      facts,
    );
  }
  if (state === "disabled") {
    const message = `action type ${actionType} is disabled: register it again before workflows of it`;
    throw refusal("ACTION_TYPE_DISABLED", message, facts);
  }
  if (active !== undefined && active.action_type !== actionType) {
    throw refusal(
      "ACTION_TYPE_DIFFERS",
      `workflow ${workflowName} belongs to the action type ${active.action_type}, of which version ${active.version} is ` +
        `active: register a workflow of ${actionType} under another name`,
      { ...facts, active_version: active.version, active_action_type: active.action_type },
    );
  }
}

/** The rules for a version that is registered already, and is not the active one with the same content. */
function checkSameVersion(
  content: WorkflowContent,
  same: WorkflowRow,
  active: WorkflowRow | undefined,
  allowDowngrade: boolean,
): void {
  const { workflowName, version } = content;
  const facts = { workflow_name: workflowName, version, status: same.status };
  if (same.status === "deprecated" || same.status === "archived") {
    throw refusal(
      "VERSION_SPENT",
      `version ${version} of workflow ${workflowName} is ${same.status} and never comes back: register another version`,
      facts,
    );
  }
  if (!isSameContent(same, content)) {
    throw refusal(
      "VERSION_CONTENT_CHANGED",
      `version ${version} of workflow ${workflowName} is registered with other content (content_hash ${same.content_hash}, ` +
        `this is ${content.contentHash}): register changed content as another version`,
      { ...facts, content_hash: same.content_hash },
    );
  }
  if (same.status === "superseded" && !allowDowngrade) {
    const now = active === undefined ? "" : ` (active now: ${active.version})`;
    throw refusal(
      "VERSION_SUPERSEDED",
      `version ${version} of workflow ${workflowName} was superseded${now}: it comes back with allow_downgrade alone`,
      { ...facts, ...(active && { active_version: active.version }) },
    );
  }
}

function checkOrder({ workflowName, version }: WorkflowContent, active: WorkflowRow, allowDowngrade: boolean): void {
  if (allowDowngrade || semver.compare(version, active.version) >= 0) return;
  throw refusal(
    "VERSION_LOWER",
    `version ${version} of workflow ${workflowName} is lower than the active version ${active.version}: register a higher ` +
      "one, or this one with allow_downgrade",
    { workflow_name: workflowName, version, active_version: active.version },
  );
}

/** What the present latest version gives up; nothing where it is the very one that is registered. */
function givenUp(
  { version }: WorkflowContent,
  latest: WorkflowRow | undefined,
  same: WorkflowRow | undefined,
  stamp: Stamp,
): Write[] {
  if (latest === undefined || same?.is_latest_version) return [];
  if (latest.status !== "active") return [giveUpLatest(latest)];
  return [changeState(latest, "superseded", `superseded by version ${version}`, stamp)];
}

function registered(content: WorkflowContent, same: WorkflowRow | undefined, stamp: Stamp): Write {
  if (same !== undefined) return changeState(same, "active", "registered again", stamp);
  return { table: "workflow", before: undefined, after: newRow(content, stamp), content };
}

function newRow(content: WorkflowContent, { by, at }: Stamp): WorkflowRow {
  const { spec } = content;
  return {
    workflow_id: content.workflowId,
    workflow_name: content.workflowName,
    version: content.version,
    is_latest_version: true,
    action_type: content.actionType,
    status: "active",
    labels: content.labels,
    custom_labels: content.customLabels,
    detected_labels: content.detectedLabels as JsonObject,
    description: content.description,
    execution_bundle_digest: content.executionBundleDigest,
    content_hash: content.contentHash,
    created_at: at,
    created_by: by,
    updated_at: at,
    updated_by: by,
    status_reason: null,
    revision: "",
    declared_labels: spec["labels"] as JsonObject,
    declared_custom_labels: (spec["customLabels"] ?? null) as JsonObject | null,
    execution: spec["execution"] as JsonObject,
  };
}
