// The statements of discovery find what its rules in memory find, in the same order, whatever the catalog and the context hold.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import postgres from "postgres";
import { DiscoveryContextSchema } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import {
  type CustomLabelValues,
  CustomLabelValuesSchema,
  DetectedLabelsSchema,
} from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { type Context, toContext } from "../../src/catalog/discovery/context.ts";
import { Discovery, type MatchingWorkflows } from "../../src/catalog/discovery/discovery.ts";
import { planMatching } from "../../src/catalog/discovery/discovery_statements.ts";
import { BASE_POINTS, judge } from "../../src/catalog/discovery/match.ts";
import type { StoredDetectedLabels } from "../../src/catalog/labels.ts";
import type { WorkflowState } from "../../src/catalog/rows.ts";
import { Fault } from "../../src/fault.ts";
import { Database } from "../../src/postgres/database.ts";
import { readRows } from "../../src/postgres/read.ts";
import { createDatabase } from "../support/database.ts";
import { clearCatalog, type PlacedWorkflow, placeActionTypes, placedWorkflow, placeWorkflows } from "./catalog_rows.ts";

const RUNS = 100;

const testDatabase = await createDatabase("discovery");
const database = new Database({
  url: testDatabase.url,
  connections: 4,
  applicationName: "discovery",
  statementTimeoutMs: 5000,
  planForValues: true,
});
const admin = postgres(testDatabase.adminUrl, { max: 1, onnotice: () => {} });
const outbox = { reserve: () => ({ fill() {}, release() {} }) };
const discovery = new Discovery({ database, events: outbox });
const call = { by: "agent", signal: new AbortController().signal };
after(async () => {
  await Promise.all([database.end(), admin.end()]);
  await testDatabase.drop();
});

const ACTION_TYPES = ["RestartPod", "RollbackDeployment", "ScaleReplicas", "Z9"];
const DISABLED = "Z9";

/** Text that quotes, separates, is a pattern or a path somewhere, or changes its length in lower case. */
const TROUBLE = [
  "'",
  '"',
  "\\",
  "\\'",
  "$1",
  "$",
  "{}",
  '{"a":1}',
  "a,b",
  "%",
  "_",
  "$.a ? (@ > 1)",
  "' OR true --",
  "NULL",
  "**",
  " ",
  "\x01",
  "\u2028",
  "İ",
  "i̇",
  "ß",
  "ẞ",
  "ﬀ",
  "😀",
  "Σας",
  "__proto__",
  "constructor",
  "x".repeat(253),
];

const anyCase = (values: readonly string[]) =>
  fc.tuple(fc.constantFrom(...values), fc.boolean()).map(([text, upper]) => (upper ? text.toUpperCase() : text));
const word = fc.oneof(
  { weight: 4, arbitrary: anyCase(["production", "staging", "platform", "*"]) },
  { weight: 3, arbitrary: fc.constantFrom(...TROUBLE) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 8 }).filter(isStorable) },
);
const severity = anyCase(["critical", "high", "low", "*"]);
const component = anyCase(["deployment", "apps/v1/deployment", "extensions/v1/deployment", "v1/node", "node", "*"]);
const priority = anyCase(["p0", "p1", "*"]);
const environment = word.filter((text) => [...text].length <= 63);

function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

const sparse = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const detected = fc
  .record({
    gitOpsManaged: sparse(fc.boolean()),
    gitOpsTool: sparse(anyCase(["argocd", "flux", "*"])),
    pdbProtected: sparse(fc.boolean()),
    hpaEnabled: sparse(fc.boolean()),
    stateful: sparse(fc.boolean()),
    helmManaged: sparse(fc.boolean()),
    networkIsolated: sparse(fc.boolean()),
    serviceMesh: sparse(anyCase(["istio", "linkerd", "*"])),
  })
  .map((labels) => Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)));
/** A few of the labels: each one more leaves out more workflows. */
const someOf = (labels: object) => Object.fromEntries(Object.entries(labels).slice(0, 2));
const custom = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom("team", "Team", "tier") }, { weight: 2, arbitrary: word }),
      fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
    ),
    { maxLength: 4, selector: ([key]) => key },
  )
  .map((labels) => Object.fromEntries(labels));

const few = <T>(value: fc.Arbitrary<T>) => fc.uniqueArray(value, { minLength: 1, maxLength: 2 });
const STATES: readonly WorkflowState[] = ["active", "active", "active", "active", "disabled", "superseded", "archived"];
const workflow = fc.record({
  actionType: fc.constantFrom(...ACTION_TYPES),
  status: fc.constantFrom(...STATES),
  labels: fc.record({
    severity: few(severity),
    component: few(component),
    environment: few(environment),
    priority: few(priority),
  }),
  detected: fc.oneof(fc.constant({}), detected, detected) as fc.Arbitrary<StoredDetectedLabels>,
  custom,
});
const catalog = fc.array(workflow, { maxLength: 60, size: "max" }).map((workflows) =>
  workflows.map((declared, index) => {
    const status = declared.actionType === DISABLED && declared.status === "active" ? "disabled" : declared.status;
    return placedWorkflow({ ...declared, status, name: `workflow-${index}` });
  }),
);
const givenOrNot = (value: fc.Arbitrary<string>) => fc.oneof(fc.constant(""), value);
const context = fc
  .record({
    severity: givenOrNot(severity),
    component: givenOrNot(component),
    environment: givenOrNot(environment),
    priority: givenOrNot(priority),
    detected: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: detected },
      { weight: 3, arbitrary: detected.map(someOf) },
    ),
    custom,
  })
  .map(({ detected: detectedLabels, custom: customLabels, ...labels }) => {
    const message = create(DiscoveryContextSchema, labels);
    message.detectedLabels = create(DetectedLabelsSchema, detectedLabels);
    message.customLabels = Object.fromEntries(
      Object.entries(customLabels).map(([key, values]): [string, CustomLabelValues] => [
        key,
        create(CustomLabelValuesSchema, { values }),
      ]),
    );
    return toContext(message);
  });

/** The workflows that the rules in memory find, the best first. */
function expected(rows: readonly PlacedWorkflow[], asked: Context, actionType: string) {
  return rows
    .filter((row) => row.action_type === actionType && row.status === "active" && row.is_latest_version)
    .map((row) => ({ id: row.workflow_id, ...judge(asked, row) }))
    .filter(({ excludedBy }) => excludedBy.length === 0)
    .sort((a, b) => b.points - a.points || (a.id < b.id ? -1 : 1));
}

/** All pages of a list, joined. */
async function joined<P extends { nextPageToken: string }>(read: (pageToken: string) => Promise<P>): Promise<P[]> {
  const pages: P[] = [];
  for (let token = ""; ; token = pages.at(-1)?.nextPageToken ?? "") {
    pages.push(await read(token));
    if (pages.at(-1)?.nextPageToken === "") return pages;
  }
}

async function checkActions(rows: readonly PlacedWorkflow[], asked: Context, pageSize: number): Promise<void> {
  const pages = await joined((pageToken) => discovery.listAvailableActions(asked, { pageSize, pageToken }, call));
  assert.deepEqual(
    pages.flatMap(({ actions }) => actions.map(({ row, count }) => [row.action_type, count])),
    ACTION_TYPES.map((actionType) => [actionType, expected(rows, asked, actionType).length]).filter(([, n]) => n !== 0),
  );
}

async function checkWorkflows(
  rows: readonly PlacedWorkflow[],
  asked: Context,
  actionType: string,
  pageSize: number,
): Promise<void> {
  const wanted = expected(rows, asked, actionType);
  const ids = wanted.map(({ id }) => id);
  const read = (explain: boolean) => {
    const page = (pageToken: string) => ({ pageSize, pageToken, explain });
    return joined((pageToken) => discovery.listMatchingWorkflows(actionType, asked, page(pageToken), call));
  };
  const [plain, explained] = [await read(false), await read(true)];
  assert.deepEqual(idsOf(plain), ids);
  assert.deepEqual(idsOf(explained), ids);
  assert.ok(plain.every(({ matches }) => matches.length <= pageSize));
  const explanations = explained.flatMap(({ matches }) => matches);
  assert.deepEqual(
    explanations.map(({ points, contributions }) => ({ points, contributions })),
    wanted.map(({ points, contributions }) => ({ points, contributions })),
  );
  const candidates = rows.filter((row) => row.action_type === actionType && row.status === "active").length;
  assert.equal(explained[0]?.excludedCount, candidates - wanted.length);
  const points = await readRows<{ points: number; total: number }>(
    database,
    planMatching(actionType, asked, undefined, 1000),
    call.signal,
  );
  assert.deepEqual(
    points.map((row) => [row.points, row.total]),
    wanted.map((judged) => [judged.points, wanted.length]),
  );
}

function idsOf(pages: readonly MatchingWorkflows[]): string[] {
  return pages.flatMap(({ matches }) => matches.map(({ row }) => row.workflow_id));
}

async function checkRetrievals(rows: readonly PlacedWorkflow[], asked: Context): Promise<void> {
  const found = await Promise.all(rows.map(({ workflow_id }) => retrieved(workflow_id, asked)));
  const matching = new Set(ACTION_TYPES.flatMap((actionType) => expected(rows, asked, actionType).map(({ id }) => id)));
  assert.deepEqual(
    found,
    rows.map((row) => (matching.has(row.workflow_id) ? row.schema_data : "WORKFLOW_NOT_MATCHING")),
  );
}

async function retrieved(workflowId: string, asked: Context): Promise<unknown> {
  try {
    return (await discovery.getMatchingWorkflow(workflowId, asked, call)).row.schema_data;
  } catch (error) {
    if (error instanceof Fault) return error.details.reason;
    throw error;
  }
}

test("the three steps find what the rules in memory find, in their order, in pages of any size", async () => {
  const seen = { matches: 0, excluded: 0, rewarded: 0, penalised: 0 };
  const property = fc.asyncProperty(catalog, context, fc.integer({ min: 1, max: 7 }), async (rows, asked, pageSize) => {
    await clearCatalog(admin);
    await placeActionTypes(admin, ACTION_TYPES, [DISABLED]);
    await placeWorkflows(admin, rows);
    await checkActions(rows, asked, pageSize);
    await Promise.all(ACTION_TYPES.map((actionType) => checkWorkflows(rows, asked, actionType, pageSize)));
    await checkRetrievals(rows, asked);
    for (const row of rows) {
      const { excludedBy, points } = judge(asked, row);
      if (excludedBy.length > 0) seen.excluded++;
      else seen.matches++;
      if (points > BASE_POINTS) seen.rewarded++;
      if (points < BASE_POINTS) seen.penalised++;
    }
  });
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  // Else the catalogs and contexts would have nothing to do with each other.
  for (const [what, count] of Object.entries(seen)) assert.ok(count > RUNS, `${what}: ${count}`);
});
