import type { OwnEvent } from "../../audit/own_event.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { WorkflowRow } from "../rows.ts";
import { scoreOf } from "./match.ts";

/** What a step of discovery was asked. */
export interface Asked {
  readonly correlationId: string;
  /** The context's labels as they were given. */
  readonly filters: JsonObject;
  /** Items that the reply may hold. */
  readonly topK: number;
  readonly actionType?: string;
  readonly workflowId?: string;
}

/** What it found. */
export interface Found {
  readonly returned: number;
  /** On this and all other pages. */
  readonly total: number;
  readonly workflows: readonly Ranked[];
  readonly durationMs: number;
}

/** A workflow of the reply; the best of all pages has rank 1. */
export interface Ranked {
  readonly row: Pick<WorkflowRow, "workflow_id" | "workflow_name" | "version">;
  readonly rank: number;
  readonly points: number;
}

/** Workflows that an event names. */
const WORKFLOWS_NAMED = 100;

/** What step 1 leaves. */
export function actionsListed(asked: Asked, found: Found): OwnEvent[] {
  return [discoveryEvent("actions_listed", "discovery", "success", asked, found)];
}

/** What step 2 leaves. */
export function workflowsListed(asked: Asked, found: Found): OwnEvent[] {
  return [discoveryEvent("workflows_listed", "discovery", "success", asked, found)];
}

/** What step 3 leaves, in this order; nothing found is a failure. */
export function workflowRetrieved(asked: Asked, found: Found): OwnEvent[] {
  const outcome = found.returned > 0 ? "success" : "failure";
  return [
    discoveryEvent("workflow_retrieved", "retrieve", outcome, asked, found),
    discoveryEvent("selection_validated", "validate", outcome, asked, found),
  ];
}

function discoveryEvent(
  name: string,
  action: string,
  outcome: "success" | "failure",
  { correlationId, filters, topK, actionType, workflowId }: Asked,
  { returned, total, workflows, durationMs }: Found,
): OwnEvent {
  const type = `workflow.catalog.${name}`;
  return {
    type,
    action,
    outcome,
    correlationId,
    resource: { type: "RemediationRequest", id: correlationId },
    data: {
      event_type: type,
      query: {
        top_k: topK,
        filters,
        ...(actionType !== undefined && { action_type: actionType }),
        ...(workflowId !== undefined && { workflow_id: workflowId }),
      },
      results: { returned, total_found: total, workflows: workflows.slice(0, WORKFLOWS_NAMED).map(named) },
      search_metadata: { duration_ms: Math.round(durationMs) },
    },
  };
}

function named({ row, rank, points }: Ranked): JsonObject {
  const { workflow_id, workflow_name, version } = row;
  return { workflow_id, workflow_name, version, rank, score: scoreOf(points) };
}
