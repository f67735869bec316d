import type { Json, JsonObject } from "../integrity/canonical.ts";

export type ActionTypeState = "active" | "disabled";
export type WorkflowState = "active" | "disabled" | "deprecated" | "archived" | "superseded";

/** What an action type or a workflow is for, as registered objects have it. */
export interface Description {
  readonly what: string;
  readonly whenToUse: string;
  readonly whenNotToUse?: string | undefined;
  readonly preconditions?: string | undefined;
}

/** A row of action_type_taxonomy. Times are PostgreSQL's text. */
export interface ActionTypeRow {
  readonly action_type: string;
  readonly description: Description;
  readonly status: ActionTypeState;
  readonly disabled_at: string | null;
  readonly disabled_by: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  /** Number of this state; the etag. */
  readonly revision: string;
}

/** What makes an ActionTypeRow. */
export const ACTION_TYPE_COLUMNS =
  "action_type, description, status, disabled_at, disabled_by, created_at, updated_at, revision";

/** A row of remediation_workflow_catalog without the parts that may be large. Times are PostgreSQL's text. */
export interface WorkflowRow {
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly version: string;
  readonly is_latest_version: boolean;
  readonly action_type: string;
  readonly status: WorkflowState;
  /** Normalised: see labels.ts. */
  readonly labels: JsonObject;
  readonly custom_labels: JsonObject;
  readonly detected_labels: JsonObject;
  readonly description: Description;
  readonly execution_bundle_digest: string;
  readonly content_hash: string;
  readonly created_at: string;
  readonly created_by: string;
  readonly updated_at: string;
  readonly updated_by: string;
  readonly status_reason: string | null;
  /** Number of this state; the etag. */
  readonly revision: string;
  /** spec.labels, spec.customLabels and spec.execution as they were registered. */
  readonly declared_labels: JsonObject;
  readonly declared_custom_labels: JsonObject | null;
  readonly execution: JsonObject;
}

/** What makes a WorkflowRow. */
export const WORKFLOW_COLUMNS = `workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, custom_labels,
  detected_labels, description, execution_bundle_digest, content_hash, created_at, created_by, updated_at, updated_by,
  status_reason, revision, schema_data -> 'labels' AS declared_labels, schema_data -> 'customLabels' AS declared_custom_labels,
  schema_data -> 'execution' AS execution`;

/** The whole of a workflow. */
export interface FullWorkflowRow extends WorkflowRow {
  /** The registered spec. */
  readonly schema_data: { readonly [key: string]: Json };
}
