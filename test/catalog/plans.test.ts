// Discovery walks its indexes and leaves alone what it does not answer: asserted on PostgreSQL's own plans, for a catalog of a
// few thousand workflows with the labels of a large installation.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ACTION_TYPES } from "../../bench/catalog/catalog_rows.ts";
import { fillCatalog } from "../../bench/catalog/fill.ts";
import { DiscoveryContextSchema } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { toContext } from "../../src/catalog/discovery/context.ts";
import {
  planActions,
  planCandidates,
  planMatching,
  planRetrieval,
} from "../../src/catalog/discovery/discovery_statements.ts";
import { openPool } from "../../src/postgres/pool.ts";
import type { Statement } from "../../src/postgres/statement.ts";
import { createDatabase } from "../support/database.ts";

const WORKFLOWS = 4000;
const database = await createDatabase("plans");
// As the service's connections for reading.
const pool = {
  url: database.url,
  connections: 1,
  applicationName: "plans",
  statementTimeoutMs: 0,
  planForValues: true,
};
const sql = openPool(pool);
after(async () => {
  await sql.end();
  await database.drop();
});
await fillCatalog(sql, WORKFLOWS, ACTION_TYPES.length);

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Loops": number;
  readonly Plans?: readonly PlanNode[];
}

interface Execution {
  /** The nodes that were executed, the outermost first. */
  readonly nodes: readonly PlanNode[];
  /** Names of the indexes that were used. */
  readonly indexes: ReadonlySet<string>;
  /** Relations that were read from end to end. */
  readonly scanned: readonly string[];
}

async function execute({ text, parameters }: Statement): Promise<Execution> {
  const values = parameters.map((value) => `'${value.replaceAll("'", "''")}'`).join();
  await sql.unsafe(`PREPARE explained AS ${text}`);
  const run = `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained${values && `(${values})`}`;
  const [row] = await sql.unsafe<{ "QUERY PLAN": unknown }[]>(run).simple();
  await sql.unsafe("DEALLOCATE explained");
  const plan = row?.["QUERY PLAN"];
  const [{ Plan }] = (typeof plan === "string" ? JSON.parse(plan) : plan) as [{ Plan: PlanNode }];
  const all = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(all)];
  const nodes = all(Plan).filter((node) => node["Actual Loops"] > 0);
  return {
    nodes,
    indexes: new Set(nodes.flatMap((node) => node["Index Name"] ?? [])),
    scanned: nodes.filter((node) => node["Node Type"] === "Seq Scan").map((node) => node["Relation Name"] ?? ""),
  };
}

type Incident = MessageInitShape<typeof DiscoveryContextSchema>;
const contextOf = (incident: Incident) => toContext(create(DiscoveryContextSchema, incident));

const DETECTED: Incident = {
  detectedLabels: { gitOpsManaged: true, gitOpsTool: "argocd", serviceMesh: "istio" },
  customLabels: { team: { values: ["payments"] } },
};
const RARE_COMPONENT: Incident = { ...DETECTED, severity: "critical", component: "postgresql.cnpg.io/v1/Cluster" };
const RARE_ENVIRONMENT: Incident = { ...DETECTED, environment: "edge", priority: "P0" };
const COMMON: Incident = {
  ...DETECTED,
  severity: "critical",
  component: "apps/v1/Deployment",
  environment: "production",
  priority: "P1",
};
const LARGEST = ACTION_TYPES[0] as string;
const SMALL = ACTION_TYPES[20] as string;
const CATALOG = "remediation_workflow_catalog";
const BY_ACTION_TYPE = "idx_workflow_catalog_discovery";
const BY_LABELS = "idx_workflow_catalog_labels";

for (const [name, incident] of [
  ["component", RARE_COMPONENT],
  ["environment", RARE_ENVIRONMENT],
] as const) {
  test(`a rare ${name} is found by the index of labels in the first step`, async () => {
    const { indexes, scanned } = await execute(planActions(contextOf(incident), undefined, 101));
    assert.ok(indexes.has(BY_LABELS), [...indexes].join());
    assert.ok(!scanned.includes(CATALOG));
  });

  test(`a rare ${name} is found by the index of labels in an action type with many workflows`, async () => {
    const { indexes, scanned } = await execute(planMatching(LARGEST, contextOf(incident), undefined, 101));
    assert.ok(indexes.has(BY_LABELS), [...indexes].join());
    assert.ok(!scanned.includes(CATALOG));
  });
}

test("the workflows of an action type are found by the index of action types", async () => {
  for (const incident of [{}, DETECTED, COMMON]) {
    for (const actionType of [SMALL, LARGEST]) {
      for (const cursor of [undefined, { points: 5000, workflowId: "8" }]) {
        const { indexes, scanned } = await execute(planMatching(actionType, contextOf(incident), cursor, 101));
        assert.ok(indexes.has(BY_ACTION_TYPE), `${actionType}: ${[...indexes].join()}`);
        assert.ok(!scanned.includes(CATALOG));
      }
    }
  }
});

test("without a context the first step counts in the index of action types alone", async () => {
  const { nodes } = await execute(planActions(contextOf({}), undefined, 101));
  const reading = nodes.filter((node) => node["Relation Name"] === CATALOG);
  assert.deepEqual(
    reading.map((node) => [node["Node Type"], node["Index Name"]]),
    [["Index Only Scan", BY_ACTION_TYPE]],
  );
});

test("a workflow is read by its id alone, and the candidates of an explanation by their action type", async () => {
  const [first] = await sql.unsafe<{ workflow_id: string }[]>(`SELECT workflow_id FROM ${CATALOG} LIMIT 1`);
  const retrieved = await execute(planRetrieval(first?.workflow_id ?? "", contextOf(COMMON)));
  assert.ok(retrieved.indexes.has("remediation_workflow_catalog_pkey"));
  assert.ok(!retrieved.scanned.includes(CATALOG));
  const candidates = await execute(planCandidates(SMALL));
  assert.ok(candidates.indexes.has(BY_ACTION_TYPE));
  assert.ok(!candidates.scanned.includes(CATALOG));
});

/** Adds an action type with workflows that fit any incident, each with a spec of so many bytes that hardly shrink. */
async function addWorkflows(actionType: string, count: number, specBytes: number): Promise<void> {
  const text = randomBytes(specBytes / 2).toString("hex");
  await sql.unsafe(
    `INSERT INTO action_type_taxonomy (action_type, description, status, created_at, updated_at)
     VALUES ($1, '{}', 'active', now(), now())`,
    [actionType],
  );
  await sql.unsafe(
    `INSERT INTO ${CATALOG} (workflow_id, workflow_name, version, is_latest_version, action_type, status, labels, description,
       execution_bundle, execution_bundle_digest, content_hash, schema_data, created_at, created_by, updated_at, updated_by)
     SELECT $1 || '-' || number, $1 || '-' || number, '1.0.0', true, $1, 'active',
       '{"severity": ["*"], "component": ["*"], "environment": ["*"], "priority": ["*"]}', '{}', '', '',
       repeat('0', 64), jsonb_build_object('labels', '{}'::jsonb, 'text', $2::text), now(), 'test', now(), 'test'
     FROM generate_series(1, $3::text::integer) AS number`,
    [actionType, text, String(count)],
  );
  await sql.unsafe(`VACUUM (ANALYZE) ${CATALOG}`);
}

/** Blocks of the storage for large values that a statement looks at. */
async function specBlocks({ text, parameters }: Statement): Promise<number> {
  const before = await specBlocksSoFar();
  await sql.unsafe(text, [...parameters]);
  return (await specBlocksSoFar()) - before;
}

async function specBlocksSoFar(): Promise<number> {
  await sql.unsafe("SELECT pg_stat_force_next_flush()");
  const [row] = await sql.unsafe<{ blocks: number }[]>(
    `SELECT (toast_blks_hit + toast_blks_read)::integer AS blocks FROM pg_statio_user_tables WHERE relname = '${CATALOG}'`,
  );
  return row?.blocks ?? Number.NaN;
}

test("registered specs are read of the workflows on the page alone", async () => {
  const [candidates, onPage] = [200, 10];
  await addWorkflows("LargeSpecs", candidates, 20_000);
  const context = contextOf(COMMON);
  const page = (limit: number) => specBlocks(planMatching("LargeSpecs", context, undefined, limit));
  const all = await page(candidates);
  assert.ok(all >= candidates * 10, `${all} blocks are the specs of all candidates`);
  const some = await page(onPage);
  assert.ok(some <= (all / candidates) * onPage * 1.5, `${some} blocks of ${all} for ${onPage} of ${candidates}`);
  assert.equal(await specBlocks(planActions(context, undefined, 101)), 0);
  assert.equal(await specBlocks(planCandidates("LargeSpecs")), 0);
});
