// Rows of the catalog as registrations leave them, put in place without one.
import { createHash } from "node:crypto";
import type postgres from "postgres";
import {
  componentTokens,
  MANDATORY_LABELS,
  type MandatoryLabel,
  type StoredDetectedLabels,
} from "../../src/catalog/labels.ts";
import type { WorkflowState } from "../../src/catalog/rows.ts";
import type { Json, JsonObject } from "../../src/integrity/canonical.ts";

/** A workflow as its author would register it, and its state. */
export interface DeclaredWorkflow {
  readonly name: string;
  readonly version?: string;
  readonly actionType: string;
  readonly status?: WorkflowState;
  /** Absent: whatever its status demands, or else true. */
  readonly isLatest?: boolean;
  /** A label that is absent is `*`. */
  readonly labels?: Readonly<Partial<Record<MandatoryLabel, readonly string[]>>>;
  readonly detected?: StoredDetectedLabels;
  readonly custom?: Readonly<Record<string, readonly string[]>>;
  /** Beside labels, custom labels and execution. */
  readonly spec?: JsonObject;
  readonly what?: string;
}

/** A row of remediation_workflow_catalog, as far as a test looks at it. */
export interface PlacedWorkflow {
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly version: string;
  readonly action_type: string;
  readonly status: WorkflowState;
  readonly is_latest_version: boolean;
  readonly labels: JsonObject;
  readonly custom_labels: JsonObject;
  readonly detected_labels: JsonObject;
  readonly schema_data: JsonObject;
}

const AT = "2026-05-13T21:24:03.123456Z";

/** The row of a workflow, its labels normalised. */
export function placedWorkflow(declared: DeclaredWorkflow): PlacedWorkflow & JsonObject {
  const { name, version = "1.0.0", actionType, status = "active", detected = {}, custom = {} } = declared;
  const declaredLabels = Object.fromEntries(
    MANDATORY_LABELS.map((label) => [label, declared.labels?.[label] ?? ["*"]]),
  );
  const hash = createHash("sha256").update(`${name}\n${version}`).digest("hex");
  const execution = { engine: "job", bundle: `registry.example/${name}@sha256:${hash}` };
  return {
    workflow_id: uuidOf(hash),
    workflow_name: name,
    version,
    is_latest_version: declared.isLatest ?? status !== "superseded",
    action_type: actionType,
    status,
    labels: mapValues(declaredLabels, (values, label) => [
      ...new Set(values.flatMap((value) => (label === "component" ? componentTokens(value) : [value.toLowerCase()]))),
    ]),
    custom_labels: mapValues(custom, (values) => [...new Set(values.map((value) => value.toLowerCase()))]),
    detected_labels: mapValues(detected as Readonly<Record<string, boolean | string>>, (value) =>
      typeof value === "string" ? value.toLowerCase() : value,
    ),
    description: { what: declared.what ?? "Does it.", whenToUse: "When it is needed." },
    execution_bundle: execution.bundle,
    execution_bundle_digest: `sha256:${hash}`,
    content_hash: hash,
    schema_data: { ...declared.spec, labels: declaredLabels, customLabels: custom, execution },
    created_at: AT,
    created_by: "author",
    updated_at: AT,
    updated_by: "author",
  };
}

/** Puts action types in place; `disabled` ones among them. */
export async function placeActionTypes(
  sql: postgres.Sql,
  names: readonly string[],
  disabled: readonly string[] = [],
): Promise<void> {
  const rows = names.map((name) => ({
    action_type: name,
    description: { what: `${name}.`, whenToUse: "When it is needed." },
    ...(disabled.includes(name)
      ? { status: "disabled", disabled_at: AT, disabled_by: "operator" }
      : { status: "active", disabled_at: null, disabled_by: null }),
    created_at: AT,
    updated_at: AT,
  }));
  const columns = "action_type, description, status, disabled_at, disabled_by, created_at, updated_at";
  await place(sql, "action_type_taxonomy", columns, rows);
}

/** Puts workflows in place. */
export async function placeWorkflows(sql: postgres.Sql, workflows: readonly PlacedWorkflow[]): Promise<void> {
  const [first] = workflows;
  if (first === undefined) return;
  await place(sql, "remediation_workflow_catalog", Object.keys(first).join(", "), workflows);
}

async function place(sql: postgres.Sql, table: string, columns: string, rows: readonly object[]): Promise<void> {
  const text = `INSERT INTO ${table} (${columns})
    SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::text::jsonb)`;
  await sql.unsafe(text, [JSON.stringify(rows)]);
}

/** Empties the catalog, which only a superuser can who has its triggers stand aside. */
export async function clearCatalog(admin: postgres.Sql): Promise<void> {
  await admin.begin(async (sql) => {
    await sql`SET LOCAL session_replication_role = replica`;
    await sql`DELETE FROM remediation_workflow_catalog`;
    await sql`DELETE FROM action_type_taxonomy`;
  });
}

function uuidOf(hash: string): string {
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}

function mapValues<T, R extends Json>(
  values: Readonly<Record<string, T>>,
  map: (value: T, key: string) => R,
): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]));
}
