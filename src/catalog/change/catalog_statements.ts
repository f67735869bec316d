import type { LinkedEvents } from "../../audit/append/chain.ts";
import type { Database } from "../../postgres/database.ts";
import type { Sql } from "../../postgres/pool.ts";
import { readRows } from "../../postgres/read.ts";
import {
  ACTION_TYPE_COLUMNS,
  type ActionTypeRow,
  type ActionTypeState,
  WORKFLOW_COLUMNS,
  type WorkflowRow,
} from "../rows.ts";
import { type ActionTypeUse, NAMES_RECORDED } from "./action_type_rules.ts";
import type { Write } from "./decision.ts";
import type { KnownVersion } from "./lifecycle.ts";
import type { KnownVersions } from "./registration.ts";

// Each read is one statement: what a decision is made on is one state of the catalog.

/** An action type and who uses it; undefined where there is none of that name. */
export async function readActionType(
  database: Database,
  actionType: string,
): Promise<{ row: ActionTypeRow; use: ActionTypeUse } | undefined> {
  const text = `
    SELECT ${ACTION_TYPE_COLUMNS},
      (SELECT count(*)::int FROM remediation_workflow_catalog AS used
       WHERE used.action_type = kind.action_type AND used.status = 'active') AS use_count,
      (SELECT coalesce(jsonb_agg(workflow_name), '[]') FROM (
        SELECT workflow_name FROM remediation_workflow_catalog AS used
        WHERE used.action_type = kind.action_type AND used.status = 'active'
        ORDER BY workflow_name LIMIT ${NAMES_RECORDED}) AS first) AS use_names
    FROM action_type_taxonomy AS kind WHERE action_type = $1`;
  const [found] = await read<ActionTypeRow & { use_count: number; use_names: string[] }>(database, text, [actionType]);
  if (found === undefined) return undefined;
  const { use_count, use_names, ...row } = found;
  return { row, use: { count: use_count, names: use_names } };
}

/** What the registration of this version depends on. */
export async function readKnownVersions(
  database: Database,
  { workflowName, version, actionType }: { workflowName: string; version: string; actionType: string },
): Promise<KnownVersions> {
  const text = `
    SELECT kind.status AS action_type_now, known.*
    FROM (VALUES ($3::text)) AS wanted (action_type)
    LEFT JOIN action_type_taxonomy AS kind ON kind.action_type = wanted.action_type
    LEFT JOIN (
      SELECT ${WORKFLOW_COLUMNS} FROM remediation_workflow_catalog
      WHERE workflow_name = $1 AND (version = $2 OR is_latest_version)) AS known ON true`;
  const found = await read<WithActionType<WorkflowRow | NoRow>>(database, text, [workflowName, version, actionType]);
  const rows = found.map(withoutActionType).filter((row) => row.workflow_id !== null);
  return {
    actionType: found[0]?.action_type_now ?? undefined,
    latest: rows.find((row) => row.is_latest_version),
    same: rows.find((row) => row.version === version),
  };
}

/** What a change of this version's state depends on; undefined where there is none of that id. */
export async function readKnownVersion(database: Database, workflowId: string): Promise<KnownVersion | undefined> {
  const text = `
    SELECT kind.status AS action_type_now, known.*
    FROM remediation_workflow_catalog AS wanted
    JOIN action_type_taxonomy AS kind ON kind.action_type = wanted.action_type
    CROSS JOIN LATERAL (
      SELECT ${WORKFLOW_COLUMNS} FROM remediation_workflow_catalog AS version
      WHERE version.workflow_name = wanted.workflow_name
        AND (version.workflow_id = wanted.workflow_id OR version.is_latest_version)) AS known
    WHERE wanted.workflow_id = $1`;
  const found = await read<WithActionType<WorkflowRow>>(database, text, [workflowId]);
  const rows = found.map(withoutActionType);
  const row = rows.find(({ workflow_id }) => workflow_id === workflowId);
  if (row === undefined) return undefined;
  const actionType = found[0]?.action_type_now as ActionTypeState;
  return { row, latest: rows.find(({ is_latest_version }) => is_latest_version), actionType };
}

type WithActionType<Row> = Row & { readonly action_type_now: ActionTypeState | null };
/** What a left join gives where there is nothing to join. */
type NoRow = { readonly [Column in keyof WorkflowRow]: null };

function withoutActionType({ action_type_now: _, ...row }: WithActionType<WorkflowRow | NoRow>): WorkflowRow {
  return row as WorkflowRow;
}

function read<Row extends object>(database: Database, text: string, parameters: readonly string[]) {
  return readRows<Row>(database, { text, parameters }, new AbortController().signal);
}

/** What change_catalog answers; see migrations/ for what each promises. */
export type ChangeAnswer =
  | { readonly answer: "appended"; readonly revisions: readonly string[] }
  | { readonly answer: "changed" | "stale" | "duplicate"; readonly revisions: null };

/** Makes the writes and appends their events: all of it or nothing. The revisions are those of the writes, in their order. */
export async function changeCatalog(
  sql: Sql,
  writes: readonly Write[],
  { heads, headCount, ids, events, eventCount, escaped }: LinkedEvents["arguments"],
): Promise<ChangeAnswer> {
  const [row] = await sql.unsafe<ChangeAnswer[]>(
    `SELECT answer, to_jsonb(revisions::text[]) AS revisions
     FROM change_catalog($1::text::jsonb, $2, $3, $4, $5, $6, $7)`,
    [JSON.stringify(writes.map(toChange)), heads, headCount, ids, events, eventCount, escaped],
    { prepare: true },
  );
  if (row === undefined) throw new Error("change_catalog gave no answer");
  return row;
}

function toChange(write: Write): object {
  if (write.table === "action_type") {
    const { revision: _, ...columns } = write.after;
    if (write.before === undefined) return { insert_action_type: columns };
    return { update_action_type: columns, revision: write.before.revision };
  }
  if (write.before === undefined) return { insert_workflow: insertedColumns(write) };
  const { workflow_id, status, is_latest_version, status_reason, updated_at, updated_by } = write.after;
  return {
    update_workflow: { workflow_id, status, is_latest_version, status_reason, updated_at, updated_by },
    revision: write.before.revision,
  };
}

function insertedColumns({ after, content }: Extract<Write, { content: unknown }>): object {
  const { revision: _, declared_labels, declared_custom_labels, execution, ...columns } = after;
  return {
    ...columns,
    execution_bundle: content.executionBundle,
    engine_config: content.engineConfig,
    schema_data: content.spec,
  };
}
