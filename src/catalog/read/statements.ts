import { arrayText, type Statement } from "../../postgres/statement.ts";
import { ACTION_TYPE_COLUMNS, type ActionTypeState, WORKFLOW_COLUMNS } from "../rows.ts";
import type { WorkflowsCursor, WorkflowsFilter } from "./queries.ts";

const FULL_WORKFLOW_COLUMNS = `${WORKFLOW_COLUMNS}, schema_data`;

/** One action type: an ActionTypeRow, or none. */
export function selectActionType(actionType: string): Statement {
  return {
    text: `SELECT ${ACTION_TYPE_COLUMNS} FROM action_type_taxonomy WHERE action_type = $1`,
    parameters: [actionType],
  };
}

/** Action types after `after`, by name: ActionTypeRows. */
export function selectActionTypes(status: ActionTypeState | undefined, after: string, limit: number): Statement {
  return {
    text: `SELECT ${ACTION_TYPE_COLUMNS} FROM action_type_taxonomy
      WHERE action_type > $1 AND ($2 = '' OR status = $2)
      ORDER BY action_type LIMIT $3::text::integer`,
    parameters: [after, status ?? "", String(limit)],
  };
}

/** How many active workflows an action type has: one row `{count}`, or none where there is no such action type. */
export function countActive(actionType: string): Statement {
  return {
    text: `SELECT (SELECT count(*) FROM remediation_workflow_catalog AS workflow
        WHERE workflow.action_type = kind.action_type AND workflow.status = 'active')::integer AS count
      FROM action_type_taxonomy AS kind WHERE kind.action_type = $1`,
    parameters: [actionType],
  };
}

/** One version by its id: a WorkflowRow, a FullWorkflowRow with `full`, or none. */
export function selectWorkflowById(workflowId: string, full: boolean): Statement {
  return {
    text: `SELECT ${full ? FULL_WORKFLOW_COLUMNS : WORKFLOW_COLUMNS} FROM remediation_workflow_catalog
      WHERE workflow_id = $1`,
    parameters: [workflowId],
  };
}

/** One version by name and version, the latest where the version is empty: rows as selectWorkflowById. */
export function selectWorkflowByName(workflowName: string, version: string, full: boolean): Statement {
  return {
    text: `SELECT ${full ? FULL_WORKFLOW_COLUMNS : WORKFLOW_COLUMNS} FROM remediation_workflow_catalog
      WHERE workflow_name = $1 AND CASE $2 WHEN '' THEN is_latest_version ELSE version = $2 END`,
    parameters: [workflowName, version],
  };
}

/** Versions after the cursor, by name, of one workflow the one registered last first: WorkflowRows. */
export function selectWorkflows(
  { workflowName, actionType, statuses, latestOnly }: WorkflowsFilter,
  cursor: WorkflowsCursor | undefined,
  limit: number,
): Statement {
  return {
    text: `SELECT ${WORKFLOW_COLUMNS} FROM remediation_workflow_catalog
      WHERE ($1 = '' OR workflow_name = $1)
        AND ($2 = '' OR action_type = $2)
        AND ($3 = '{}' OR status = ANY ($3::text::text[]))
        AND ($4 = 'false' OR is_latest_version)
        AND ($5 = '' OR (workflow_name >= $5 AND (workflow_name > $5
          OR created_at < $6::text::timestamptz OR (created_at = $6::text::timestamptz AND workflow_id > $7))))
      ORDER BY workflow_name, created_at DESC, workflow_id LIMIT $8::text::integer`,
    parameters: [
      workflowName ?? "",
      actionType ?? "",
      arrayText(statuses),
      String(latestOnly),
      cursor?.workflowName ?? "",
      cursor?.createdAt ?? "infinity",
      cursor?.workflowId ?? "",
      String(limit),
    ],
  };
}

/** The specs of two versions of a workflow: rows `{version, schema_data}`, in no order. */
export function selectSpecs(workflowName: string, versions: readonly [string, string]): Statement {
  return {
    text: `SELECT version, schema_data FROM remediation_workflow_catalog
      WHERE workflow_name = $1 AND version IN ($2, $3)`,
    parameters: [workflowName, ...versions],
  };
}
