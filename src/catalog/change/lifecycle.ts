import type { ActionTypeState, WorkflowRow, WorkflowState } from "../rows.ts";
import type { Decision, Stamp, Write } from "./decision.ts";
import { refusal } from "./refusal.ts";

/** What may be done with a registered version. */
export type LifecycleAct = "disable" | "enable" | "deprecate" | "archive";

/** The states that an act leads from, and the one that it leads to. */
const TRANSITIONS: Readonly<Record<LifecycleAct, { from: readonly WorkflowState[]; to: WorkflowState }>> = {
  disable: { from: ["active"], to: "disabled" },
  enable: { from: ["disabled"], to: "active" },
  deprecate: { from: ["active"], to: "deprecated" },
  archive: { from: ["active", "disabled", "deprecated"], to: "archived" },
};

/** What a decision on a registered version needs to know of the catalog. */
export interface KnownVersion {
  readonly row: WorkflowRow;
  /** The latest version of its name: it may be the same one. The active one is always the latest. */
  readonly latest: WorkflowRow | undefined;
  /** State of its action type. */
  readonly actionType: ActionTypeState;
}

/**
 * Decides on a change of a version's state. One that has the state already stays as it is.
 *
 * @throws Fault `precondition`: TRANSITION_NOT_ALLOWED, ANOTHER_VERSION_ACTIVE, ACTION_TYPE_DISABLED.
 */
export function decideTransition(
  act: LifecycleAct,
  { row, latest, actionType }: KnownVersion,
  reason: string,
  stamp: Stamp,
): Decision<WorkflowRow> {
  const { from, to } = TRANSITIONS[act];
  if (row.status === to) return { writes: [], row };
  if (!from.includes(row.status)) throw notAllowed(act, row);
  const other = latest?.workflow_id === row.workflow_id ? undefined : latest;
  if (to === "active") refuseActivation(row, other, actionType);
  const moved = changeState(row, to, reason, stamp);
  // Before the row that takes the place of the latest.
  const freed: Write[] = to === "active" && other !== undefined ? [giveUpLatest(other)] : [];
  return { writes: [...freed, moved], row: moved.after };
}

function refuseActivation(row: WorkflowRow, other: WorkflowRow | undefined, actionType: ActionTypeState): void {
  if (other?.status === "active") {
    throw refusal(
      "ANOTHER_VERSION_ACTIVE",
      `version ${other.version} of workflow ${row.workflow_name} is active, and only one can be: disable it before ` +
        `version ${row.version} is enabled, or register version ${row.version} again in its place`,
      { workflow_name: row.workflow_name, version: row.version, active_version: other.version },
    );
  }
  if (actionType !== "active") {
    throw refusal(
      "ACTION_TYPE_DISABLED",
      `action type ${row.action_type} of workflow ${row.workflow_name} is disabled: register it again, then enable the workflow`,
      { action_type: row.action_type },
    );
  }
}

function notAllowed(act: LifecycleAct, { workflow_name, version, status }: WorkflowRow) {
  const { from, to } = TRANSITIONS[act];
  const rule =
    status === "superseded" && act === "enable"
      ? "a superseded one comes back by registering it again with allow_downgrade"
      : `only one that is ${from.join(" or ")} can`;
  return refusal(
    "TRANSITION_NOT_ALLOWED",
    `version ${version} of workflow ${workflow_name} is ${status} and cannot become ${to}: ${rule}`,
    { workflow_name, version, status },
  );
}

/** A version in another state. An active one is the latest, a superseded one is not. */
export function changeState(before: WorkflowRow, status: WorkflowState, reason: string, { by, at }: Stamp) {
  const isLatest = status === "active" || (before.is_latest_version && status !== "superseded");
  const after: WorkflowRow = {
    ...before,
    status,
    is_latest_version: isLatest,
    status_reason: reason,
    updated_at: at,
    updated_by: by,
    revision: "",
  };
  return { table: "workflow", before, after } as const;
}

/** A version that is out of use already, and no longer the latest: who took it out of use, when and why stays as it is. */
export function giveUpLatest(before: WorkflowRow) {
  return { table: "workflow", before, after: { ...before, is_latest_version: false, revision: "" } } as const;
}
