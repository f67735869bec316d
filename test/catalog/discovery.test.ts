// What the steps of discovery leave as events, and how they end where there is too much or nothing.
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import postgres from "postgres";
import { ListMatchingWorkflowsResponseSchema } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type PreparedEvent, ROW_COLUMNS, splitRow } from "../../src/audit/prepare.ts";
import type { Context } from "../../src/catalog/discovery/context.ts";
import { Discovery, type MatchingWorkflows } from "../../src/catalog/discovery/discovery.ts";
import { toExcludedWorkflow, toMatchingWorkflow } from "../../src/catalog/messages_discovery.ts";
import { Fault } from "../../src/fault.ts";
import { Database } from "../../src/postgres/database.ts";
import { createDatabase } from "../support/database.ts";
import {
  clearCatalog,
  type DeclaredWorkflow,
  type PlacedWorkflow,
  placeActionTypes,
  placedWorkflow,
  placeWorkflows,
} from "./catalog_rows.ts";

const MIB = 1024 * 1024;

const testDatabase = await createDatabase("discovery");
const database = new Database({
  url: testDatabase.url,
  connections: 2,
  applicationName: "discovery",
  statementTimeoutMs: 5000,
  planForValues: true,
});
const admin = postgres(testDatabase.adminUrl, { max: 1, onnotice: () => {} });
after(async () => {
  await Promise.all([database.end(), admin.end()]);
  await testDatabase.drop();
});

/** Takes the events of calls in place of the outbox. */
class Events {
  readonly taken: Record<string, unknown>[] = [];
  reserved = 0;
  refusal: Fault | undefined;

  reserve(count: number) {
    if (this.refusal !== undefined) throw this.refusal;
    let held = count;
    this.reserved += count;
    const release = () => {
      this.reserved -= held;
      held = 0;
    };
    const fill = (events: readonly PreparedEvent[]) => {
      assert.ok(events.length <= held);
      this.taken.push(...events.map(columnsOf));
      release();
    };
    return { fill, release };
  }
}

function columnsOf(event: PreparedEvent): Record<string, unknown> {
  const values = splitRow(event);
  const row = Object.fromEntries(ROW_COLUMNS.map((column, index) => [column, values[index]]));
  const { event_type, event_action, event_outcome, correlation_id, resource_type, resource_id, actor_id } = row;
  const data = JSON.parse(row["event_data"] as string);
  assert.ok(Number.isInteger(data.search_metadata.duration_ms));
  delete data.search_metadata;
  return { event_type, event_action, event_outcome, correlation_id, resource_type, resource_id, actor_id, data };
}

let events = new Events();
let discovery = new Discovery({ database, events });
beforeEach(async () => {
  await clearCatalog(admin);
  events = new Events();
  discovery = new Discovery({ database, events });
});

const call = { by: "agent", signal: new AbortController().signal };
const ANY: Context = { labels: {}, detected: {}, custom: {}, remediationId: "rr-1", given: {} };
const page = (pageSize = 0, pageToken = "", explain = false) => ({ pageSize, pageToken, explain });

/** Puts workflows of RestartPod in place. */
async function place(declared: readonly Partial<DeclaredWorkflow>[]): Promise<PlacedWorkflow[]> {
  const rows = declared.map((fields, index) =>
    placedWorkflow({ name: `workflow-${String(index).padStart(4, "0")}`, actionType: "RestartPod", ...fields }),
  );
  await placeActionTypes(admin, [...new Set(["RestartPod", ...rows.map((row) => row.action_type)])]);
  await placeWorkflows(admin, rows);
  return rows.toSorted((a, b) => (a.workflow_id < b.workflow_id ? -1 : 1));
}

function eventOf(name: string, action: string, data: { query: object; results: object }, outcome = "success") {
  const event_type = `workflow.catalog.${name}`;
  return {
    event_type,
    event_action: action,
    event_outcome: outcome,
    correlation_id: "rr-1",
    resource_type: "RemediationRequest",
    resource_id: "rr-1",
    actor_id: "agent",
    data: { event_type, ...data },
  };
}

async function refusal(pending: Promise<unknown>): Promise<Fault> {
  try {
    await pending;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

const context: Context = {
  ...ANY,
  labels: { severity: "high" },
  custom: { team: ["a"] },
  given: { severity: "High", custom_labels: { team: ["A"] } },
};

test("step 1 leaves an event with what was asked and how many kinds of action there are", async () => {
  await place([{ actionType: "RestartPod" }, { actionType: "RestartPod" }, { actionType: "DrainNode" }]);
  const first = await discovery.listAvailableActions(context, page(1), call);
  const second = await discovery.listAvailableActions(context, page(1, first.nextPageToken), call);
  assert.deepEqual(
    [first, second].map(({ actions, correlationId }) => [
      actions[0]?.row.action_type,
      actions[0]?.count,
      correlationId,
    ]),
    [
      ["DrainNode", 1, "rr-1"],
      ["RestartPod", 2, "rr-1"],
    ],
  );
  assert.equal(second.nextPageToken, "");
  const query = { top_k: 1, filters: context.given };
  const results = { returned: 1, total_found: 2, workflows: [] };
  const listed = eventOf("actions_listed", "discovery", { query, results });
  assert.deepEqual(events.taken, [listed, listed]);
  assert.equal(events.reserved, 0);
});

test("step 2 leaves an event that names the workflows with their ranks over all pages, explained or not", async () => {
  const rows = await place([{}, {}, { custom: { team: ["a"] } }]);
  const best = rows.find((row) => Object.hasOwn(row.custom_labels, "team")) as PlacedWorkflow;
  const ranked = [best, ...rows.filter((row) => row !== best)].map(({ workflow_id, workflow_name, version }, index) => {
    return { workflow_id, workflow_name, version, rank: index + 1, score: index === 0 ? 0.515 : 0.5 };
  });
  for (const explain of [false, true]) {
    const first = await discovery.listMatchingWorkflows("RestartPod", context, page(2, "", explain), call);
    await discovery.listMatchingWorkflows("RestartPod", context, page(2, first.nextPageToken, explain), call);
  }
  const query = { top_k: 2, filters: context.given, action_type: "RestartPod" };
  const listed = [ranked.slice(0, 2), ranked.slice(2)].map((workflows) => {
    const results = { returned: workflows.length, total_found: 3, workflows };
    return eventOf("workflows_listed", "discovery", { query, results });
  });
  assert.deepEqual(events.taken, [...listed, ...listed]);
});

test("step 2 finds nothing of an action type that is unknown or disabled, and leaves its event", async () => {
  await placeActionTypes(admin, ["DrainNode"], ["DrainNode"]);
  for (const actionType of ["DrainNode", "Unknown", "'; --"]) {
    for (const explain of [false, true]) {
      const found = await discovery.listMatchingWorkflows(actionType, ANY, page(5, "", explain), call);
      assert.deepEqual([found.matches, found.nextPageToken], [[], ""]);
    }
  }
  assert.equal(events.taken.length, 6);
});

test("no step finds anything of an action type that is disabled, were its workflows active all the same", async () => {
  const [row] = await place([{}]);
  // Only who sets the constraints aside can bring this about.
  await admin.begin(async (sql) => {
    await sql`SET LOCAL session_replication_role = replica`;
    await sql`UPDATE action_type_taxonomy SET status = 'disabled', disabled_at = now(), disabled_by = 'test'`;
  });
  assert.deepEqual((await discovery.listAvailableActions(ANY, page(), call)).actions, []);
  assert.deepEqual((await discovery.listMatchingWorkflows("RestartPod", ANY, page(), call)).matches, []);
  assert.deepEqual((await discovery.listMatchingWorkflows("RestartPod", ANY, page(0, "", true), call)).matches, []);
  const { details } = await refusal(discovery.getMatchingWorkflow(row?.workflow_id ?? "", ANY, call));
  assert.equal(details.reason, "WORKFLOW_NOT_MATCHING");
});

test("step 3 leaves both events, and a failure looks the same whatever its reason", async () => {
  const [row, low, disabled] = await place([{}, { labels: { severity: ["low"] } }, { status: "disabled" }]).then(
    (rows) =>
      ["workflow-0000", "workflow-0001", "workflow-0002"].map((name) => rows.find((one) => one.workflow_name === name)),
  );
  const { workflow_id, workflow_name, version } = row as PlacedWorkflow;
  const found = await discovery.getMatchingWorkflow(workflow_id.toUpperCase(), context, call);
  assert.deepEqual([found.row.schema_data, found.correlationId], [row?.schema_data, "rr-1"]);
  const query = { top_k: 1, filters: context.given, workflow_id };
  const workflows = [{ workflow_id, workflow_name, version, rank: 1, score: 0.5 }];
  const one = { query, results: { returned: 1, total_found: 1, workflows } };
  assert.deepEqual(events.taken.splice(0), [
    eventOf("workflow_retrieved", "retrieve", one),
    eventOf("selection_validated", "validate", one),
  ]);
  const told = new Set<string>();
  for (const id of [low?.workflow_id, disabled?.workflow_id, "00000000-0000-5000-8000-000000000000"] as string[]) {
    const { kind, message, details } = await refusal(discovery.getMatchingWorkflow(id, context, call));
    const { resource, ...others } = details;
    assert.equal(resource?.name, id);
    told.add(JSON.stringify([kind, message.replace(id, "ID"), others]));
    const none = { query: { ...query, workflow_id: id }, results: { returned: 0, total_found: 0, workflows: [] } };
    assert.deepEqual(events.taken.splice(0), [
      eventOf("workflow_retrieved", "retrieve", none, "failure"),
      eventOf("selection_validated", "validate", none, "failure"),
    ]);
  }
  assert.equal(told.size, 1);
  assert.match([...told].join(), /not_found.*WORKFLOW_NOT_MATCHING.*"correlation_id":"rr-1"/);
});

test("without a remediation each call has a correlation id of its own", async () => {
  await place([{}]);
  const nobody = { ...ANY, remediationId: "" };
  const { correlationId } = await discovery.listAvailableActions(nobody, page(), call);
  const other = await discovery.listMatchingWorkflows("RestartPod", nobody, page(), call);
  assert.match(correlationId, /^discovery-[0-9a-f-]{36}$/);
  assert.notEqual(other.correlationId, correlationId);
  assert.deepEqual(
    events.taken.map((event) => [event["correlation_id"], event["resource_id"]]),
    [correlationId, other.correlationId].map((id) => [id, id]),
  );
});

test("a call whose events would find no room is refused before it looks at anything", async () => {
  events.refusal = new Fault("exhausted", "full", { reason: "EVENTS_WAITING" });
  const blind = { run: () => assert.fail("the database was asked") } as unknown as Database;
  const refusing = new Discovery({ database: blind, events });
  for (const pending of [
    refusing.listAvailableActions(ANY, page(), call),
    refusing.listMatchingWorkflows("RestartPod", ANY, page(), call),
    refusing.listMatchingWorkflows("RestartPod", ANY, page(0, "", true), call),
    refusing.getMatchingWorkflow("00000000-0000-5000-8000-000000000000", ANY, call),
  ]) {
    assert.equal(await refusal(pending), events.refusal);
  }
});

test("a call that ends early leaves no event, and gives its room back", async () => {
  await place([{}]);
  const reason = new Error("gone");
  const gone = { by: "agent", signal: AbortSignal.abort(reason) };
  await assert.rejects(discovery.listMatchingWorkflows("RestartPod", ANY, page(), gone), reason);
  await assert.rejects(discovery.getMatchingWorkflow("x", ANY, gone), reason);
  assert.deepEqual([events.taken, events.reserved], [[], 0]);
});

test("a token is good for its own question alone, whoever asks it", async () => {
  await place([{}, {}, { actionType: "DrainNode" }]);
  const { nextPageToken: token } = await discovery.listMatchingWorkflows("RestartPod", ANY, page(1), call);
  const same = { ...ANY, remediationId: "rr-2" };
  assert.equal((await discovery.listMatchingWorkflows("RestartPod", same, page(5, token), call)).matches.length, 1);
  const { nextPageToken: actions } = await discovery.listAvailableActions(ANY, page(1), call);
  const forged = (cursor: unknown) => {
    const { query } = JSON.parse(Buffer.from(token, "base64url").toString());
    return Buffer.from(JSON.stringify({ query, cursor })).toString("base64url");
  };
  const workflowId = "00000000-0000-5000-8000-000000000000";
  const refused = [
    discovery.listMatchingWorkflows("DrainNode", ANY, page(1, token), call),
    discovery.listMatchingWorkflows("RestartPod", ANY, page(1, token, true), call),
    discovery.listMatchingWorkflows("RestartPod", context, page(1, token), call),
    discovery.listMatchingWorkflows("RestartPod", ANY, page(1, actions), call),
    discovery.listAvailableActions(ANY, page(1, token), call),
    discovery.listAvailableActions(context, page(1, actions), call),
    ...[null, "x", {}, { points: 5000 }, { points: "5000", workflowId }, { points: 5000.5, workflowId }]
      .concat([
        { points: -1, workflowId },
        { points: 1e9, workflowId },
        { points: 5000, workflowId: "\0" },
      ])
      .map((cursor) => discovery.listMatchingWorkflows("RestartPod", ANY, page(1, forged(cursor)), call)),
  ];
  for (const pending of refused) {
    const { kind, details } = await refusal(pending);
    assert.deepEqual([kind, details.violations?.map(({ field }) => field)], ["invalid", ["page_token"]]);
  }
});

test("a page has 100 workflows unless it is told, and 1,000 at most", async () => {
  await place(Array.from({ length: 1001 }, () => ({})));
  for (const [asked, pageSize] of [
    [0, 100],
    [7, 7],
    [5000, 1000],
  ] as const) {
    const { matches, nextPageToken } = await discovery.listMatchingWorkflows("RestartPod", ANY, page(asked), call);
    assert.equal(matches.length, pageSize);
    assert.notEqual(nextPageToken, "");
  }
});

test("large workflows fill a page before it is too large for gRPC, as protobuf and as JSON", async () => {
  // In JSON an escaped character takes six bytes, in protobuf one.
  const what = "\x01".repeat(4000);
  const rows = await place(Array.from({ length: 250 }, () => ({ what, labels: { severity: ["high"] } })));
  for (const explain of [false, true]) {
    const found: string[] = [];
    for (let token = ""; ; ) {
      const reply = await discovery.listMatchingWorkflows("RestartPod", ANY, page(1000, token, explain), call);
      assert.ok(sizeOf(reply) <= 4 * MIB);
      found.push(...reply.matches.map(({ row }) => row.workflow_id));
      token = reply.nextPageToken;
      if (token === "") break;
      assert.ok(sizeOf(reply) > 2 * MIB, "and not long before");
    }
    assert.deepEqual(
      found,
      rows.map((row) => row.workflow_id),
    );
  }
});

test("an explanation names the first 1,000 workflows that are left out, and counts all, on the first page", async () => {
  const low = Array.from({ length: 1100 }, () => ({ labels: { severity: ["low"] } }));
  await place([...low, {}, {}]);
  const first = await discovery.listMatchingWorkflows("RestartPod", context, page(1, "", true), call);
  assert.equal(first.excludedCount, 1100);
  assert.deepEqual(
    first.excluded?.map(({ workflowName }) => workflowName),
    Array.from({ length: 1000 }, (_, index) => `workflow-${String(index).padStart(4, "0")}`),
  );
  assert.deepEqual(first.excluded?.[0]?.excludedBy, [
    { label: "labels.severity", contextValues: ["high"], workflowValues: ["low"], match: "mismatch", points: 0 },
  ]);
  const second = await discovery.listMatchingWorkflows("RestartPod", context, page(1, first.nextPageToken, true), call);
  assert.deepEqual([second.excluded, second.excludedCount, second.matches.length], [undefined, undefined, 1]);
});

test("workflows that are left out by long labels leave room for those that match", async () => {
  const labels = { environment: Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(63, "x")) };
  const asked: Context = { ...ANY, labels: { environment: "production" } };
  await place([
    ...Array.from({ length: 600 }, () => ({ labels })),
    ...Array.from({ length: 250 }, () => ({ what: "\x01".repeat(4000) })),
  ]);
  const reply = await discovery.listMatchingWorkflows("RestartPod", asked, page(1000, "", true), call);
  assert.ok(sizeOf(reply) <= 4 * MIB);
  assert.equal(reply.excludedCount, 600);
  assert.ok((reply.excluded?.length ?? 0) > 300 && (reply.excluded?.length ?? 0) < 600);
  assert.ok(reply.matches.length > 50 && reply.nextPageToken !== "");
});

/** Bytes of a reply, in the form in which it is larger. */
function sizeOf({ matches, excluded = [] }: MatchingWorkflows): number {
  const message = create(ListMatchingWorkflowsResponseSchema, {
    workflows: matches.map(toMatchingWorkflow),
    excluded: excluded.map(toExcludedWorkflow),
  });
  const json = Buffer.byteLength(toJsonString(ListMatchingWorkflowsResponseSchema, message));
  return Math.max(json, toBinary(ListMatchingWorkflowsResponseSchema, message).byteLength);
}
