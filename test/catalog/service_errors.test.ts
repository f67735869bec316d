// Every error that the contract of CatalogService names, with what programs read from it.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { WorkflowStatus } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { listAll } from "../support/audit_service.ts";
import { actionTypeText, refusalOf, registerWorkflow, startCatalogService, workflowText } from "../support/catalog.ts";
import { adminUrl } from "../support/server.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

const { catalog, client } = await startCatalogService({ after });
const NOBODY = "00000000-0000-5000-8000-000000000000";
const reason = "for the test";

await catalog.registerActionType({ content: actionTypeText("RestartDeployment") });
await catalog.registerActionType({ content: actionTypeText("CordonNode") });

describe("what does not exist is NOT_FOUND", () => {
  const actionType = "NoSuchType";
  const description = { what: "a", whenToUse: "b" };
  const kinds: Record<string, () => Promise<unknown>> = {
    getActionType: () => catalog.getActionType({ actionType }),
    updateActionType: () => catalog.updateActionType({ actionType, description }),
    disableActionType: () => catalog.disableActionType({ actionType, reason }),
    countActiveWorkflows: () => catalog.countActiveWorkflows({ actionType }),
  };
  for (const [name, call] of Object.entries(kinds)) {
    test(name, async () => {
      const refusal = await refusalOf(call());
      assert.deepEqual([refusal.code, refusal.reason], ["NotFound", "ACTION_TYPE_NOT_FOUND"]);
      assert.equal(refusal.resource, "kubernaut.catalog.v1.ActionType NoSuchType");
      assert.equal(refusal.message, "there is no action type NoSuchType");
    });
  }

  const request = { workflowId: NOBODY, reason };
  const versions: Record<string, [string, () => Promise<unknown>]> = {
    "getWorkflow by id": [NOBODY, () => catalog.getWorkflow({ workflowId: NOBODY })],
    "getWorkflow by name": ["none", () => catalog.getWorkflow({ workflowName: "none" })],
    "getWorkflow by version": ["none 1.0.0", () => catalog.getWorkflow({ workflowName: "none", version: "1.0.0" })],
    disableWorkflow: [NOBODY, () => catalog.disableWorkflow(request)],
    enableWorkflow: [NOBODY, () => catalog.enableWorkflow(request)],
    deprecateWorkflow: [NOBODY, () => catalog.deprecateWorkflow(request)],
    archiveWorkflow: [NOBODY, () => catalog.archiveWorkflow(request)],
  };
  for (const [name, [asked, call]] of Object.entries(versions)) {
    test(name, async () => {
      const refusal = await refusalOf(call());
      assert.deepEqual([refusal.code, refusal.reason], ["NotFound", "WORKFLOW_NOT_FOUND"]);
      assert.equal(refusal.resource, `kubernaut.catalog.v1.Workflow ${asked}`);
    });
  }

  test("compareWorkflowVersions, whichever version it is", async () => {
    await registerWorkflow(catalog, "one-version");
    const workflowName = "one-version";
    for (const versions of [
      { fromVersion: "1.2.3", toVersion: "9.0.0" },
      { fromVersion: "9.0.0", toVersion: "1.2.3" },
    ]) {
      const refusal = await refusalOf(catalog.compareWorkflowVersions({ workflowName, ...versions }));
      assert.deepEqual([refusal.code, refusal.reason], ["NotFound", "WORKFLOW_NOT_FOUND"]);
      assert.equal(refusal.resource, "kubernaut.catalog.v1.Workflow one-version 9.0.0");
    }
  });

  test("getMatchingWorkflow, and it looks the same as one that does not match", async () => {
    const { workflowId } = await registerWorkflow(catalog, "hidden");
    for (const asked of [NOBODY, workflowId]) {
      const context = { severity: "info", remediationId: `rr-${asked}` };
      const { message, ...refusal } = await refusalOf(catalog.getMatchingWorkflow({ workflowId: asked, context }));
      assert.equal(message, `there is no workflow ${asked} that is active, latest and matches the context`);
      assert.deepEqual(refusal, {
        code: "NotFound",
        reason: "WORKFLOW_NOT_MATCHING",
        metadata: { correlation_id: `rr-${asked}` },
        resource: `kubernaut.catalog.v1.Workflow ${asked}`,
        violations: [],
        preconditions: [],
        retryMs: undefined,
      });
    }
  });
});

describe("a state that is not the one the caller built on is ABORTED", async () => {
  await catalog.registerActionType({ content: actionTypeText("Etagged") });
  const { workflowId } = await registerWorkflow(catalog, "etagged");
  const etag = "1";
  const calls: Record<string, () => Promise<unknown>> = {
    registerActionType: () => catalog.registerActionType({ content: actionTypeText("Etagged"), etag }),
    "registerActionType of a new one": () => catalog.registerActionType({ content: actionTypeText("Fresh"), etag }),
    updateActionType: () =>
      catalog.updateActionType({ actionType: "Etagged", description: { what: "a", whenToUse: "b" }, etag }),
    disableActionType: () => catalog.disableActionType({ actionType: "Etagged", reason, etag }),
    registerWorkflow: () => catalog.registerWorkflow({ content: workflowText("etagged", { version: "2.0.0" }), etag }),
    disableWorkflow: () => catalog.disableWorkflow({ workflowId, reason, etag }),
    enableWorkflow: () => catalog.enableWorkflow({ workflowId, reason, etag }),
    deprecateWorkflow: () => catalog.deprecateWorkflow({ workflowId, reason, etag }),
    archiveWorkflow: () => catalog.archiveWorkflow({ workflowId, reason, etag }),
  };
  for (const [name, call] of Object.entries(calls)) {
    test(name, async () => {
      const { code, reason: why } = await refusalOf(call());
      assert.deepEqual([code, why], ["Aborted", "ETAG_MISMATCH"]);
    });
  }
});

describe("a state that does not allow a change is FAILED_PRECONDITION", async () => {
  const refused = async (call: () => Promise<unknown>, why: string) => {
    // Those of discovery come when they come.
    const changes = async () => (await listAll(client, { filter: { eventTypes: ["datastorage.*"] } })).length;
    const before = await changes();
    const { code, reason: told, preconditions } = await refusalOf(call());
    assert.deepEqual([code, told, preconditions], ["FailedPrecondition", why, [why]]);
    // Only the refusal to disable an action type is recorded.
    assert.equal((await changes()) - before, why === "ACTION_TYPE_IN_USE" ? 1 : 0);
  };
  const register = (name: string, spec = {}) => catalog.registerWorkflow({ content: workflowText(name, spec) });

  test("ACTION_TYPE_IN_USE tells how many use it, and which", async () => {
    const inUse = () => catalog.disableActionType({ actionType: "CordonNode", reason });
    await registerWorkflow(catalog, "uses-it", { actionType: "CordonNode" });
    const { message } = await refusalOf(inUse());
    assert.match(message, /1 active workflow uses it \(uses-it\)/);
    await refused(inUse, "ACTION_TYPE_IN_USE");
    const events = await listAll(client, { filter: { eventTypes: ["datastorage.actiontype.disable_denied"] } });
    assert.equal(events.length, 2);
  });

  test("ACTION_TYPE_UNKNOWN, ACTION_TYPE_DISABLED, ACTION_TYPE_DIFFERS", async () => {
    await refused(() => register("astray", { actionType: "NoSuchType" }), "ACTION_TYPE_UNKNOWN");
    await catalog.registerActionType({ content: actionTypeText("Retired") });
    const { workflowId } = await registerWorkflow(catalog, "retired", { actionType: "Retired" });
    await catalog.disableWorkflow({ workflowId, reason });
    await catalog.disableActionType({ actionType: "Retired", reason });
    await refused(() => register("retired-2", { actionType: "Retired" }), "ACTION_TYPE_DISABLED");
    await refused(() => catalog.enableWorkflow({ workflowId, reason }), "ACTION_TYPE_DISABLED");
    const description = { what: "a", whenToUse: "b" };
    await refused(() => catalog.updateActionType({ actionType: "Retired", description }), "ACTION_TYPE_DISABLED");
    await registerWorkflow(catalog, "settled");
    await refused(() => register("settled", { version: "2.0.0", actionType: "CordonNode" }), "ACTION_TYPE_DIFFERS");
  });

  test("VERSION_CONTENT_CHANGED, VERSION_LOWER, VERSION_SUPERSEDED, VERSION_SPENT", async () => {
    await registerWorkflow(catalog, "versioned");
    await refused(() => register("versioned", { parameters: [] }), "VERSION_CONTENT_CHANGED");
    await refused(() => register("versioned", { version: "1.0.0" }), "VERSION_LOWER");
    const { workflowId } = await registerWorkflow(catalog, "versioned", { version: "2.0.0" });
    await refused(() => register("versioned"), "VERSION_SUPERSEDED");
    await catalog.archiveWorkflow({ workflowId, reason });
    await refused(() => register("versioned", { version: "2.0.0" }), "VERSION_SPENT");
  });

  test("TRANSITION_NOT_ALLOWED, ANOTHER_VERSION_ACTIVE", async () => {
    const { workflowId } = await registerWorkflow(catalog, "moved");
    await catalog.disableWorkflow({ workflowId, reason });
    await refused(() => catalog.deprecateWorkflow({ workflowId, reason }), "TRANSITION_NOT_ALLOWED");
    await registerWorkflow(catalog, "moved", { version: "2.0.0" });
    await refused(() => catalog.enableWorkflow({ workflowId, reason }), "ANOTHER_VERSION_ACTIVE");
    await catalog.archiveWorkflow({ workflowId, reason });
    for (const act of [catalog.disableWorkflow, catalog.enableWorkflow, catalog.deprecateWorkflow]) {
      await refused(() => act({ workflowId, reason }), "TRANSITION_NOT_ALLOWED");
    }
  });
});

describe("a request that breaks rules is INVALID_ARGUMENT, with each field and its rule", () => {
  const violationsOf = async (call: Promise<unknown>) => {
    const { code, reason: why, violations } = await refusalOf(call);
    assert.deepEqual([code, why], ["InvalidArgument", "INVALID_ARGUMENT"]);
    return violations;
  };

  test("content", async () => {
    const unread = await violationsOf(catalog.registerWorkflow({ content: "a: [" }));
    assert.match(unread[0] ?? "", /^content: must be YAML or JSON text/);
    const other = await violationsOf(catalog.registerActionType({ content: workflowText("a") }));
    assert.match(other[0] ?? "", /^content: must hold an object of kind ActionType/);
    const rules = await violationsOf(
      catalog.registerWorkflow({
        content: workflowText("a", { version: "1", execution: { engine: "job", bundle: "a:1" } }),
      }),
    );
    assert.deepEqual(rules.map((rule) => rule.split(":", 1)[0]).sort(), ["spec.execution.bundle", "spec.version"]);
    assert.match(
      (await violationsOf(catalog.registerWorkflow({ content: "a: \0" })))[0] ?? "",
      /^content: must not hold U\+0000/,
    );
    assert.match((await violationsOf(catalog.registerWorkflow({})))[0] ?? "", /^content: /);
  });

  test("a description, its fields as the proto spells them", async () => {
    const update = (description: object) => catalog.updateActionType({ actionType: "CordonNode", description });
    assert.deepEqual(await violationsOf(update({})), [
      "description.what: must not be blank",
      "description.when_to_use: must not be blank",
    ]);
    assert.deepEqual(await violationsOf(update({ what: "a", whenToUse: "b", whenNotToUse: "\0" })), [
      "description.when_not_to_use: must not hold U+0000",
    ]);
    assert.match((await violationsOf(catalog.updateActionType({ actionType: "A" })))[0] ?? "", /^description: /);
  });

  test("names of a workflow", async () => {
    assert.deepEqual(await violationsOf(catalog.getWorkflow({})), [
      "workflow_id: is required where workflow_name is not given",
    ]);
    assert.deepEqual(await violationsOf(catalog.getWorkflow({ version: "1.0.0" })), [
      "workflow_name: is required where version is given",
    ]);
    assert.deepEqual(await violationsOf(catalog.getWorkflow({ workflowId: NOBODY, workflowName: "a", version: "1" })), [
      "workflow_name: must be empty where workflow_id is given",
      "version: must be empty where workflow_id is given",
    ]);
    assert.match((await violationsOf(catalog.getWorkflow({ workflowId: "x" })))[0] ?? "", /^workflow_id: /);
  });

  test("strings that PostgreSQL cannot hold", async () => {
    const rule = "must not hold U+0000";
    assert.deepEqual(await violationsOf(catalog.getActionType({ actionType: "A\0" })), [`action_type: ${rule}`]);
    assert.deepEqual(await violationsOf(catalog.countActiveWorkflows({ actionType: "A\0" })), [`action_type: ${rule}`]);
    assert.deepEqual(await violationsOf(catalog.listWorkflows({ workflowName: "\0", actionType: "\0" })), [
      `workflow_name: ${rule}`,
      `action_type: ${rule}`,
    ]);
    assert.deepEqual(await violationsOf(catalog.getWorkflow({ workflowName: "a\0" })), [`workflow_name: ${rule}`]);
    assert.deepEqual(await violationsOf(catalog.disableActionType({ actionType: "A\0", reason: "\0", etag: "\0" })), [
      `action_type: ${rule}`,
      `reason: ${rule}`,
      `etag: ${rule}`,
    ]);
    const versions = { workflowName: "\0", fromVersion: "\0", toVersion: "\0" };
    assert.equal((await violationsOf(catalog.compareWorkflowVersions(versions))).length, 3);
    assert.deepEqual(await violationsOf(catalog.listMatchingWorkflows({ actionType: "\0" })), [`action_type: ${rule}`]);
  });

  test("a context", async () => {
    const context = { severity: "worst", component: "a/b/c/d", priority: "P9", environment: "\0" };
    const actions = await violationsOf(catalog.listAvailableActions({ context }));
    assert.deepEqual(
      actions.map((rule) => rule.split(":", 1)[0]).sort(),
      ["component", "environment", "priority", "severity"].map((label) => `context.${label}`),
    );
    const detectedLabels = { gitOpsTool: "cvs" };
    const workflows = await violationsOf(
      catalog.listMatchingWorkflows({ actionType: "A", context: { detectedLabels } }),
    );
    assert.match(workflows[0] ?? "", /^context\.detected_labels\.git_ops_tool: /);
    const one = await violationsOf(
      catalog.getMatchingWorkflow({ workflowId: NOBODY, context: { customLabels: { a: { values: [""] } } } }),
    );
    assert.match(one[0] ?? "", /^context\.custom_labels\["a"\]\.values\[0\]: /);
  });

  test("page tokens of discovery", async () => {
    const rule = "page_token: must be the next_page_token of a page before";
    assert.deepEqual(await violationsOf(catalog.listAvailableActions({ pageToken: "x" })), [rule]);
    assert.deepEqual(await violationsOf(catalog.listMatchingWorkflows({ actionType: "A", pageToken: "x" })), [rule]);
  });

  test("sizes, states and reasons", async () => {
    assert.match((await violationsOf(catalog.listActionTypes({ pageSize: -1 })))[0] ?? "", /^page_size: /);
    assert.match(
      (await violationsOf(catalog.listWorkflows({ statuses: [9 as WorkflowStatus] })))[0] ?? "",
      /^statuses\[0\]: /,
    );
    assert.match((await violationsOf(catalog.disableWorkflow({ workflowId: NOBODY })))[0] ?? "", /^reason: /);
    const blank = { reason: " \t\n\u00a0" };
    assert.deepEqual(await violationsOf(catalog.disableActionType({ ...blank, actionType: "A" })), [
      "reason: must not be blank",
    ]);
    for (const act of [
      catalog.disableWorkflow,
      catalog.enableWorkflow,
      catalog.deprecateWorkflow,
      catalog.archiveWorkflow,
    ]) {
      assert.deepEqual(await violationsOf(act({ ...blank, workflowId: NOBODY })), ["reason: must not be blank"]);
    }
  });
});

test("while the database is away, calls are UNAVAILABLE and say when to come back", async (t) => {
  const proxy = await startTcpProxy(Number(new URL(await adminUrl()).port));
  const { catalog } = await startCatalogService({ after: (hook) => t.after(hook) }, {}, proxy.port);
  t.after(() => proxy.close());
  await catalog.registerActionType({ content: actionTypeText("CordonNode") });
  proxy.onConnect = "close";
  proxy.reset();
  const calls = {
    getActionType: () => catalog.getActionType({ actionType: "CordonNode" }),
    listWorkflows: () => catalog.listWorkflows({}),
    registerActionType: () => catalog.registerActionType({ content: actionTypeText("Later") }),
    listAvailableActions: () => catalog.listAvailableActions({}),
  };
  for (const [name, call] of Object.entries(calls)) {
    const { code, retryMs = 0 } = await refusalOf(call());
    assert.deepEqual([name, code], [name, "Unavailable"]);
    assert.ok(retryMs > 0);
  }
  proxy.onConnect = "pass";
  const { actionType } = await catalog.getActionType({ actionType: "CordonNode" });
  assert.ok(actionType);
});
