// What the database itself holds, whatever statement the application's user sends.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Sql } from "postgres";
import type { WorkflowState } from "../../src/catalog/rows.ts";
import { openChangesSite } from "./changes_site.ts";
import { actionTypeContent, workflowContent } from "./contents.ts";

const { sql, changes } = await openChangesSite({ after });
const REGISTER = { by: "alice", etag: "", validateOnly: false };
await changes.registerActionType(actionTypeContent("Restart"), REGISTER);
await changes.registerActionType(actionTypeContent("Unused"), REGISTER);
await changes.disableActionType("Unused", { ...REGISTER, reason: "a test" });
await changes.registerWorkflow(workflowContent({ name: "model", actionType: "Restart" }), {
  ...REGISTER,
  allowDowngrade: false,
});

const STATES: readonly WorkflowState[] = ["active", "disabled", "deprecated", "archived", "superseded"];
const ALLOWED: Readonly<Record<WorkflowState, readonly WorkflowState[]>> = {
  active: ["disabled", "deprecated", "superseded", "archived"],
  disabled: ["active", "archived"],
  deprecated: ["archived"],
  superseded: ["active"],
  archived: [],
};

/** Puts a version like that of the workflow `model` into the catalog, by a plain INSERT. */
async function insert(name: string, columns: Record<string, unknown> = {}): Promise<string> {
  const status = (columns["status"] ?? "active") as WorkflowState;
  const row = {
    workflow_id: `${name}-${columns["version"] ?? ""}`,
    workflow_name: name,
    status,
    is_latest_version: status !== "superseded",
    ...columns,
  };
  await sql.unsafe(
    `INSERT INTO remediation_workflow_catalog (
      workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, description, execution_bundle,
      execution_bundle_digest, content_hash, schema_data, created_at, created_by, updated_at, updated_by)
    SELECT (new).workflow_id, (new).workflow_name, (new).version, (new).is_latest_version, (new).action_type, (new).status,
      (new).labels, (new).description, (new).execution_bundle, (new).execution_bundle_digest, (new).content_hash,
      (new).schema_data, (new).created_at, (new).created_by, (new).updated_at, (new).updated_by
    FROM (
      SELECT jsonb_populate_record(model, $1::text::jsonb) AS new FROM remediation_workflow_catalog AS model
      WHERE workflow_name = 'model') AS made`,
    [JSON.stringify(row)],
  );
  return row.workflow_id;
}

/** The constraint that refuses a statement, or its SQLSTATE where none is named. */
async function refusedBy(statement: Promise<unknown>): Promise<string> {
  try {
    await statement;
  } catch (error) {
    const { constraint_name, code } = error as { constraint_name?: string; code: string };
    return constraint_name ?? code;
  }
  return "nothing";
}

const setStatus = (database: Sql, id: string, status: WorkflowState) => database`
  UPDATE remediation_workflow_catalog
  SET status = ${status}, is_latest_version = ${status !== "superseded"} WHERE workflow_id = ${id}`;

for (const from of STATES) {
  for (const to of STATES) {
    const allowed = from === to || ALLOWED[from].includes(to);
    test(`an UPDATE ${allowed ? "may make" : "cannot make"} a version that is ${from} ${to}`, async () => {
      const id = await insert(`${from}-${to}`, { status: from });
      const wanted = allowed ? "nothing" : "remediation_workflow_catalog_transition";
      assert.equal(await refusedBy(setStatus(sql, id, to)), wanted);
    });
  }
}

test("nothing but its state ever changes of a version", async () => {
  const id = await insert("fixed");
  for (const [column, value] of Object.entries({
    workflow_id: "'other'",
    workflow_name: "'other'",
    version: "'9.9.9'",
    action_type: "'Unused'",
    labels: "'{}'",
    custom_labels: '\'{"a": ["b"]}\'',
    detected_labels: "'{\"stateful\": true}'",
    description: "'{}'",
    execution_bundle: "'other'",
    execution_bundle_digest: "'other'",
    engine_config: "'{}'",
    content_hash: `'${"0".repeat(64)}'`,
    schema_data: "'{}'",
    created_at: "now()",
    created_by: "'mallory'",
  })) {
    const update = sql.unsafe(`UPDATE remediation_workflow_catalog SET ${column} = ${value} WHERE workflow_id = $1`, [
      id,
    ]);
    assert.equal(await refusedBy(update), "remediation_workflow_catalog_immutable", column);
  }
});

test("no row of the catalog is ever removed", async () => {
  for (const table of ["remediation_workflow_catalog", "action_type_taxonomy"]) {
    assert.equal(await refusedBy(sql.unsafe(`DELETE FROM ${table}`)), "42501");
    assert.equal(await refusedBy(sql.unsafe(`TRUNCATE ${table} CASCADE`)), "42501");
  }
});

test("one version of a name is active, and one is the latest", async () => {
  await insert("one");
  const second = insert("one", { version: "2.0.0" });
  assert.match(await refusedBy(second), /^idx_workflow_catalog_one_(active|latest)$/);
  assert.equal(
    await refusedBy(insert("one", { version: "2.0.0", status: "archived" })),
    "idx_workflow_catalog_one_latest",
  );
  const other = insert("one", { version: "2.0.0", is_latest_version: false });
  assert.equal(await refusedBy(other), "remediation_workflow_catalog_latest");
  assert.equal(
    await refusedBy(insert("one", { workflow_id: "again", status: "superseded" })),
    "remediation_workflow_catalog_version",
  );
  const latest = insert("two", { status: "superseded", is_latest_version: true });
  assert.equal(await refusedBy(latest), "remediation_workflow_catalog_latest");
});

test("an active version has an active action type, whichever of the two is changed", async () => {
  const constraint = "remediation_workflow_catalog_active_action_type";
  assert.equal(await refusedBy(insert("orphan", { action_type: "Unused" })), constraint);
  const id = await insert("orphan", { action_type: "Unused", status: "disabled" });
  assert.equal(await refusedBy(setStatus(sql, id, "active")), constraint);
  const disable = sql`
    UPDATE action_type_taxonomy SET status = 'disabled', disabled_at = now(), disabled_by = 'mallory'
    WHERE action_type = 'Restart'`;
  assert.equal(await refusedBy(disable), constraint);
  assert.equal(
    await refusedBy(insert("stray", { action_type: "Nothing", status: "disabled" })),
    "remediation_workflow_catalog_action_type_fkey",
  );
});

test("an action type says who disabled it and when, exactly while it is disabled", async () => {
  const constraint = "action_type_taxonomy_disabled";
  for (const set of ["disabled_by = NULL", "disabled_at = NULL", "status = 'active'"]) {
    const update = sql.unsafe(`UPDATE action_type_taxonomy SET ${set} WHERE action_type = 'Unused'`);
    assert.equal(await refusedBy(update), constraint, set);
  }
});

test("a change whose events are not appended changes nothing, whatever the reason", async () => {
  const head = ["chain", "no such hash", "2", "a hash"].join("\x1f");
  const rename = { action_type: "Unused", description: { what: "x" }, status: "active", updated_at: "2026-01-01" };
  const changesOf = (revision: string) => JSON.stringify([{ update_action_type: rename, revision }]);
  const call = async (revision: string) => {
    const [row] = await sql<{ answer: string; revisions: unknown }[]>`
      SELECT * FROM change_catalog(${changesOf(revision)}::text::jsonb, ${head}, 1, '', '', 0, false)`;
    return row && { ...row };
  };
  const [before] = await sql<{ revision: string; status: string }[]>`
    SELECT * FROM action_type_taxonomy WHERE action_type = 'Unused'`;
  assert.deepEqual(await call("0"), { answer: "changed", revisions: null });
  assert.deepEqual(await call(before?.revision ?? ""), { answer: "stale", revisions: null });
  const [after] = await sql`SELECT * FROM action_type_taxonomy WHERE action_type = 'Unused'`;
  assert.deepEqual(after, before);
});
