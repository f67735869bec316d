import type { Sql } from "../../src/postgres/pool.ts";
import { actionTypeRows, workflowRow } from "./catalog_rows.ts";

const ROWS_AT_ONCE = 1000;

/** Columns that the database makes itself are left to it. */
const INSERT_ACTION_TYPES = `
  INSERT INTO action_type_taxonomy (action_type, description, status, created_at, updated_at)
  SELECT action_type, description, status, created_at, updated_at
  FROM jsonb_populate_recordset(NULL::action_type_taxonomy, $1::text::jsonb)`;

const COLUMNS = `workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, custom_labels,
  detected_labels, description, execution_bundle, execution_bundle_digest, content_hash, schema_data, created_at, created_by,
  updated_at, updated_by`;

const INSERT_WORKFLOWS = `
  INSERT INTO remediation_workflow_catalog (${COLUMNS})
  SELECT ${COLUMNS} FROM jsonb_populate_recordset(NULL::remediation_workflow_catalog, $1::text::jsonb)`;

/** Fills an empty catalog with active workflows, and has the planner know of them. */
export async function fillCatalog(sql: Sql, workflows: number, actionTypes: number): Promise<void> {
  await sql.unsafe(INSERT_ACTION_TYPES, [JSON.stringify(actionTypeRows(actionTypes))]);
  for (let first = 0; first < workflows; first += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, workflows - first);
    const rows = Array.from({ length: count }, (_, place) => workflowRow(first + place, actionTypes));
    await sql.unsafe(INSERT_WORKFLOWS, [JSON.stringify(rows)]);
  }
  await sql.unsafe("VACUUM (ANALYZE) action_type_taxonomy, remediation_workflow_catalog");
}
