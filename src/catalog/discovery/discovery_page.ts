import type { Json } from "../../integrity/canonical.ts";
import { decodePageToken, encodePageToken } from "../../page_token.ts";
import type { Context } from "./context.ts";
import type { WorkflowCursor } from "./discovery_statements.ts";
import { MOST_POINTS } from "./match.ts";

/** Which page of a step. */
export interface DiscoveryPage {
  /** Items at most; 0: the default. */
  readonly pageSize: number;
  /** Empty: the first. */
  readonly pageToken: string;
}

/** What a page of step 2 belongs to. */
export interface WorkflowsQuery {
  readonly actionType: string;
  readonly context: Context;
  readonly explain: boolean;
}

const DEFAULT_PAGE_SIZE = 100;
const MOST_ITEMS = 1000;

/** Items that a page may hold. */
export function pageSizeOf({ pageSize }: DiscoveryPage): number {
  return Math.min(pageSize || DEFAULT_PAGE_SIZE, MOST_ITEMS);
}

/** An opaque page token for step 1: the name of the page's last action type. */
export function actionsToken(context: Context, after: string): string {
  return encodePageToken(actionsQuery(context), after);
}

/** The name after which a page of step 1 begins; undefined for the first. @throws Fault `invalid` as decodePageToken. */
export function actionsAfter(context: Context, { pageToken }: DiscoveryPage): string | undefined {
  return pageToken === "" ? undefined : decodePageToken(pageToken, actionsQuery(context), isActionType);
}

/** An opaque page token for step 2. */
export function workflowsToken(query: WorkflowsQuery, after: WorkflowCursor): string {
  return encodePageToken(workflowsQuery(query), { ...after });
}

/** Where a page of step 2 begins; undefined for the first. @throws Fault `invalid` as decodePageToken. */
export function workflowsAfter(query: WorkflowsQuery, { pageToken }: DiscoveryPage): WorkflowCursor | undefined {
  return pageToken === "" ? undefined : decodePageToken(pageToken, workflowsQuery(query), isWorkflowCursor);
}

/** The remediation does not change what is found. */
function labelsOf({ labels, detected, custom }: Context): Json {
  return { labels, detected, custom } as Json;
}

function actionsQuery(context: Context): Json {
  return ["available_actions", labelsOf(context)];
}

function workflowsQuery({ actionType, context, explain }: WorkflowsQuery): Json {
  return ["matching_workflows", actionType, explain, labelsOf(context)];
}

const ACTION_TYPE = /^[A-Z][A-Za-z0-9]{0,99}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function isActionType(cursor: unknown): cursor is string {
  return typeof cursor === "string" && ACTION_TYPE.test(cursor);
}

function isWorkflowCursor(cursor: unknown): cursor is WorkflowCursor {
  const { points, workflowId } = (cursor ?? {}) as Partial<Record<keyof WorkflowCursor, unknown>>;
  const isPoints = Number.isInteger(points) && Number(points) >= 0 && Number(points) <= MOST_POINTS;
  return isPoints && typeof workflowId === "string" && UUID.test(workflowId);
}
