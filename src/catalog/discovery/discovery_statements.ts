import { arrayText, type Statement } from "../../postgres/statement.ts";
import { WORKFLOW_COLUMNS } from "../rows.ts";
import { type Bind, ContextSql, FOUND } from "./conditions.ts";
import type { Context } from "./context.ts";

/** Where a page of matching workflows ended. */
export interface WorkflowCursor {
  readonly points: number;
  readonly workflowId: string;
}

/** Step 1: a page of the active action types with their matching workflows, by name; `total` counts those of all pages. */
export function planActions(context: Context, after: string | undefined, limit: number): Statement {
  const { parameters, bind } = binding();
  const found = `SELECT action_type, count(*)::integer AS workflow_count FROM remediation_workflow_catalog
    WHERE ${new ContextSql(context, bind).matches()} GROUP BY action_type`;
  const available = `SELECT action_type, taxonomy.description, found.workflow_count, count(*) OVER ()::integer AS total
    FROM (${found}) AS found JOIN action_type_taxonomy AS taxonomy USING (action_type) WHERE taxonomy.status = 'active'`;
  const rest = after === undefined ? "" : `WHERE action_type > ${bind(after)}::text`;
  const text = `SELECT action_type, description, workflow_count, total FROM (${available}) AS available
    ${rest} ORDER BY action_type LIMIT ${bind(String(limit))}::text::integer`;
  return { text, parameters };
}

/**
 * Step 2: a page of the matching workflows of an action type, the best first; `total` counts those of all pages, `shown`
 * those of the pages before.
 *
 * The page is chosen by what the conditions need, and only its own workflows are read as a whole: a registered spec may take
 * 2 MiB, and lies apart from its row.
 */
export function planMatching(
  actionType: string,
  context: Context,
  after: WorkflowCursor | undefined,
  limit: number,
): Statement {
  const { parameters, bind } = binding();
  const sql = new ContextSql(context, bind);
  const scored = `SELECT workflow_id, ${sql.points()} AS points FROM remediation_workflow_catalog
    WHERE ${ofActionType(bind(actionType))} AND ${sql.matches()}`;
  const text = `SELECT ${WORKFLOW_COLUMNS}, points, total, shown
    FROM (${pageOf(scored, after, bind(String(limit)), bind)}) AS page JOIN remediation_workflow_catalog USING (workflow_id)
    ORDER BY points DESC, workflow_id`;
  return { text, parameters };
}

function pageOf(scored: string, after: WorkflowCursor | undefined, limit: string, bind: Bind): string {
  const order = `ORDER BY points DESC, workflow_id LIMIT ${limit}::text::integer`;
  if (after === undefined) {
    return `SELECT workflow_id, points, count(*) OVER ()::integer AS total, 0 AS shown FROM (${scored}) AS scored ${order}`;
  }
  const points = `${bind(String(after.points))}::text::integer`;
  const isShown = `points > ${points} OR (points = ${points} AND workflow_id <= ${bind(after.workflowId)})`;
  const counted = `SELECT workflow_id, points, is_shown, count(*) OVER ()::integer AS total,
      count(*) FILTER (WHERE is_shown) OVER ()::integer AS shown
    FROM (SELECT workflow_id, points, ${isShown} AS is_shown FROM (${scored}) AS scored) AS marked`;
  return `SELECT workflow_id, points, total, shown FROM (${counted}) AS counted WHERE NOT is_shown ${order}`;
}

/** Step 3: a workflow in full, where it matches. */
export function planRetrieval(workflowId: string, context: Context): Statement {
  const { parameters, bind } = binding();
  const text = `SELECT ${WORKFLOW_COLUMNS}, schema_data FROM remediation_workflow_catalog AS workflow
    WHERE workflow_id = ${bind(workflowId)} AND ${new ContextSql(context, bind).matches()}
      AND EXISTS (SELECT FROM action_type_taxonomy AS taxonomy
        WHERE taxonomy.action_type = workflow.action_type AND taxonomy.status = 'active')`;
  return { text, parameters };
}

/** For an explanation: every workflow of an action type that discovery may find, by name, with what is compared. */
export function planCandidates(actionType: string): Statement {
  const { parameters, bind } = binding();
  const text = `SELECT workflow_id, workflow_name, version, labels, custom_labels, detected_labels
    FROM remediation_workflow_catalog WHERE ${ofActionType(bind(actionType))} AND ${FOUND} ORDER BY workflow_name, workflow_id`;
  return { text, parameters };
}

/** For an explanation: the workflows with these ids that discovery may find, in this order. */
export function planChosen(workflowIds: readonly string[]): Statement {
  const { parameters, bind } = binding();
  const chosen = `unnest(${bind(arrayText(workflowIds))}::text::text[]) WITH ORDINALITY AS chosen (workflow_id, place)`;
  const text = `SELECT ${WORKFLOW_COLUMNS} FROM ${chosen} JOIN remediation_workflow_catalog USING (workflow_id)
    WHERE ${FOUND} ORDER BY place`;
  return { text, parameters };
}

/** Of an action type, where that is active. */
function ofActionType(bound: string): string {
  return `action_type = ${bound}
      AND EXISTS (SELECT FROM action_type_taxonomy AS taxonomy
        WHERE taxonomy.action_type = ${bound} AND taxonomy.status = 'active')`;
}

function binding(): { parameters: string[]; bind: Bind } {
  const parameters: string[] = [];
  return { parameters, bind: (value) => `$${parameters.push(value)}` };
}
