import { isInRange, parseTimestamp, timestampText } from "../../audit/timestamp.ts";
import { decodePageToken, encodePageToken } from "../../page_token.ts";
import type { ActionTypeState, WorkflowState } from "../rows.ts";

/** Which versions of which workflows; what is absent filters nothing. */
export interface WorkflowsFilter {
  readonly workflowName?: string | undefined;
  readonly actionType?: string | undefined;
  readonly statuses: readonly WorkflowState[];
  readonly latestOnly: boolean;
}

/** Where a page of workflows ended: the sort key of its last one; the time as RFC 3339 with six digits. */
export interface WorkflowsCursor {
  readonly workflowName: string;
  readonly createdAt: string;
  readonly workflowId: string;
}

/** An opaque page token for versions of workflows. */
export function workflowsToken(filter: WorkflowsFilter, cursor: WorkflowsCursor): string {
  return encodePageToken(workflowsQuery(filter), { ...cursor });
}

/**
 * Where a page begins; undefined for the first.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another filter.
 */
export function workflowsCursor(filter: WorkflowsFilter, pageToken: string): WorkflowsCursor | undefined {
  return pageToken === "" ? undefined : decodePageToken(pageToken, workflowsQuery(filter), isWorkflowsCursor);
}

function workflowsQuery({ workflowName, actionType, statuses, latestOnly }: WorkflowsFilter) {
  return ["workflows", workflowName ?? "", actionType ?? "", [...new Set(statuses)].sort(), latestOnly];
}

function isWorkflowsCursor(value: unknown): value is WorkflowsCursor {
  const { workflowName, createdAt, workflowId } = (value ?? {}) as Partial<Record<keyof WorkflowsCursor, unknown>>;
  return isName(workflowName) && isName(workflowId) && typeof createdAt === "string" && isTimestamp(createdAt);
}

/** An opaque page token for action types: the name of the last one. */
export function actionTypesToken(status: ActionTypeState | undefined, after: string): string {
  return encodePageToken(actionTypesQuery(status), after);
}

/**
 * The name after which a page begins; empty for the first.
 *
 * @throws Fault `invalid` when the text is no token, or was made for another status.
 */
export function actionTypesAfter(status: ActionTypeState | undefined, pageToken: string): string {
  return pageToken === "" ? "" : decodePageToken(pageToken, actionTypesQuery(status), isName);
}

function actionTypesQuery(status: ActionTypeState | undefined) {
  return ["action_types", status ?? ""];
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !value.includes("\0") && value.isWellFormed();
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

function isTimestamp(text: string): boolean {
  if (!TIMESTAMP.test(text)) return false;
  const parsed = toParts(text);
  return parsed !== undefined && isInRange(parsed) && timestampText(parsed) === text;
}

/** Undefined where the text names no time, such as the 31st of February. */
function toParts(text: string) {
  try {
    return parseTimestamp(text);
  } catch {
    return undefined;
  }
}
