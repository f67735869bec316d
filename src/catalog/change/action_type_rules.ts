import { canonicalText, type JsonObject } from "../../integrity/canonical.ts";
import type { ActionTypeContent } from "../content/content.ts";
import type { ActionTypeRow, Description } from "../rows.ts";
import type { Decision, Denial, Registration, Stamp, Write } from "./decision.ts";
import { refusal } from "./refusal.ts";

/** Who uses an action type. */
export interface ActionTypeUse {
  /** Active workflows under it. */
  readonly count: number;
  /** The first of them by name, NAMES_RECORDED at most. */
  readonly names: readonly string[];
}

/** Names of workflows that a denial records. */
export const NAMES_RECORDED = 100;
/** Names of workflows that a denial's message has: an error travels in headers, which are short. */
const NAMES_TOLD = 5;

/** Decides on the registration of an action type. */
export function decideActionType(
  { actionType, description }: ActionTypeContent,
  before: ActionTypeRow | undefined,
  { at }: Stamp,
): Registration<ActionTypeRow> {
  if (before?.status === "active") return decideDescription(description, before, { at });
  const after: ActionTypeRow = {
    action_type: actionType,
    description: storedDescription(description),
    status: "active",
    disabled_at: null,
    disabled_by: null,
    created_at: before?.created_at ?? at,
    updated_at: at,
    revision: "",
  };
  const write: Write = { table: "action_type", before, after };
  return { result: before ? "reenabled" : "created", writes: [write], row: after, supersededVersion: "" };
}

/** Decides on a new description of an action type. @throws Fault `precondition` (ACTION_TYPE_DISABLED). */
export function decideDescription(
  description: Description,
  before: ActionTypeRow,
  { at }: Pick<Stamp, "at">,
): Registration<ActionTypeRow> {
  if (before.status === "disabled") {
    throw refusal(
      "ACTION_TYPE_DISABLED",
      `action type ${before.action_type} is disabled: register it again, with the new description, to make it active`,
      { action_type: before.action_type },
    );
  }
  const wanted = storedDescription(description);
  if (isSame(wanted, before.description))
    return { result: "unchanged", writes: [], row: before, supersededVersion: "" };
  const after = { ...before, description: wanted, updated_at: at, revision: "" };
  return { result: "updated", writes: [{ table: "action_type", before, after }], row: after, supersededVersion: "" };
}

/** Decides on disabling an action type. One that is disabled already stays as it is. */
export function decideDisabling(
  before: ActionTypeRow,
  use: ActionTypeUse,
  { by, at }: Stamp,
): Decision<ActionTypeRow> | Denial {
  if (before.status === "disabled") return { writes: [], row: before };
  if (use.count > 0) return { denied: inUse(before.action_type, use) };
  const after: ActionTypeRow = {
    ...before,
    status: "disabled",
    disabled_at: at,
    disabled_by: by,
    updated_at: at,
    revision: "",
  };
  return { writes: [{ table: "action_type", before, after }], row: after };
}

function inUse(actionType: string, { count, names }: ActionTypeUse) {
  const told = names.slice(0, NAMES_TOLD);
  const more = count > told.length ? ` and ${count - told.length} more` : "";
  const which = count === 1 ? "1 active workflow uses" : `${count} active workflows use`;
  return refusal(
    "ACTION_TYPE_IN_USE",
    `action type ${actionType} cannot be disabled: ${which} it (${told.join(", ")}${more}). Disable, deprecate or archive ` +
      "them before",
    { action_type: actionType, active_workflow_count: String(count), workflows: told.join(",") },
  );
}

/** A description as it is stored: an empty part says no more than an absent one. */
export function storedDescription({ what, whenToUse, whenNotToUse, preconditions }: Description): Description {
  return {
    what,
    whenToUse,
    ...(whenNotToUse && { whenNotToUse }),
    ...(preconditions && { preconditions }),
  };
}

function isSame(one: Description, other: Description): boolean {
  const text = (description: Description) => canonicalText(storedDescription(description) as unknown as JsonObject);
  return text(one) === text(other);
}
