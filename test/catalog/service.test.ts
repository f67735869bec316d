// CatalogService over gRPC: what each call answers, and what it leaves in the log.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fromJson } from "@bufbuild/protobuf";
import { timestampMs, ValueSchema } from "@bufbuild/protobuf/wkt";
import { HealthCheckResponse_ServingStatus } from "../../gen/ts/health/v1/health_pb.ts";
import { ActionTypeStatus } from "../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import { CatalogService, RegistrationOutcome } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { LabelMatch } from "../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { WorkflowStatus, WorkflowView } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import type { JsonObject } from "../../src/integrity/canonical.ts";
import { listAll } from "../support/audit_service.ts";
import {
  actionTypeText,
  registerWorkflow,
  startCatalogService,
  untilEvents,
  workflowText,
} from "../support/catalog.ts";

const { catalog, client, health } = await startCatalogService({ after });
const { CREATED, REENABLED, SUPERSEDED_PREVIOUS, UNCHANGED, UPDATED } = RegistrationOutcome;

/** Types and data of the events of a change. */
async function recorded(correlationId: string) {
  assert.match(correlationId, /^catalog-[0-9a-f-]{36}$/);
  const events = await listAll(client, { filter: { correlationId }, orderBy: "chain_position" });
  return events.map(({ eventType, actorId, payload }) => {
    assert.equal(actorId, "anonymous");
    assert.equal(payload.case, "eventData");
    return { type: eventType, data: payload.value as JsonObject };
  });
}

test("the service is healthy", async () => {
  const { status } = await health.check({ service: CatalogService.typeName });
  assert.equal(status, HealthCheckResponse_ServingStatus.SERVING);
});

describe("an action type", () => {
  const description = { what: "Scales it", whenToUse: "When it is slow", whenNotToUse: "", preconditions: "" };

  test("is registered, described anew, disabled and registered again", async () => {
    const content = actionTypeText("ScaleOut", {
      what: "Scales",
      whenToUse: "When slow",
      preconditions: "Has replicas",
    });
    const created = await catalog.registerActionType({ content });
    assert.equal(created.outcome, CREATED);
    assert.deepEqual(created.warnings, []);
    assert.equal(created.actionType?.description?.preconditions, "Has replicas");
    assert.equal(created.actionType?.disabledAt, undefined);
    assert.deepEqual(
      (await recorded(created.correlationId)).map(({ type }) => type),
      ["datastorage.actiontype.created"],
    );

    const etag = created.actionType?.etag ?? "";
    const updated = await catalog.updateActionType({ actionType: "ScaleOut", description, etag });
    assert.equal(updated.outcome, UPDATED);
    assert.notEqual(updated.actionType?.etag, etag);
    const again = await catalog.updateActionType({ actionType: "ScaleOut", description });
    assert.deepEqual([again.outcome, again.correlationId], [UNCHANGED, ""]);
    assert.deepEqual(again.actionType, updated.actionType);

    const before = Date.now();
    const { actionType: disabled } = await catalog.disableActionType({ actionType: "ScaleOut", reason: "unused" });
    assert.equal(disabled?.status, ActionTypeStatus.DISABLED);
    assert.equal(disabled?.disabledBy, "anonymous");
    assert.ok(disabled?.disabledAt && timestampMs(disabled.disabledAt) >= before - 1);
    const idle = await catalog.disableActionType({ actionType: "ScaleOut", reason: "unused" });
    assert.deepEqual([idle.correlationId, idle.actionType], ["", disabled]);

    const reenabled = await catalog.registerActionType({ content });
    assert.equal(reenabled.outcome, REENABLED);
    assert.equal(reenabled.actionType?.status, ActionTypeStatus.ACTIVE);
    const [event] = await recorded(reenabled.correlationId);
    assert.equal(event?.type, "datastorage.actiontype.reenabled");
    assert.equal(event?.data["previously_disabled_by"], "anonymous");
    assert.deepEqual((await catalog.getActionType({ actionType: "ScaleOut" })).actionType, reenabled.actionType);
  });

  test("is only looked at with validate_only", async () => {
    const content = actionTypeText("NeverRegistered");
    const { outcome, correlationId, actionType } = await catalog.registerActionType({ content, validateOnly: true });
    assert.deepEqual([outcome, correlationId], [CREATED, ""]);
    assert.equal(actionType?.actionType, "NeverRegistered");
    const { actionTypes } = await catalog.listActionTypes({});
    assert.ok(!actionTypes.some((kind) => kind.actionType === "NeverRegistered"));
  });

  test("warns of what it does not use", async () => {
    const content = JSON.stringify({
      ...JSON.parse(actionTypeText("Warned")),
      spec: { name: "Warned", colour: "red", description },
    });
    const { warnings } = await catalog.registerActionType({ content });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /^spec\.colour: /);
  });
});

describe("a workflow", async () => {
  await catalog.registerActionType({ content: actionTypeText("RestartDeployment") });

  test("is registered, superseded and taken back", async () => {
    const first = await registerWorkflow(catalog, "taken-back");
    const second = await catalog.registerWorkflow({
      content: workflowText("taken-back", { version: "1.3.0" }),
      etag: first.etag,
    });
    assert.deepEqual([second.outcome, second.supersededVersion], [SUPERSEDED_PREVIOUS, "1.2.3"]);
    assert.deepEqual((await recorded(second.correlationId)).map(({ type }) => type).sort(), [
      "datastorage.workflow.created",
      "datastorage.workflow.updated",
    ]);
    const { workflow: old } = await catalog.getWorkflow({ workflowId: first.workflowId });
    assert.deepEqual([old?.status, old?.isLatestVersion], [WorkflowStatus.SUPERSEDED, false]);

    const back = await catalog.registerWorkflow({ content: workflowText("taken-back"), allowDowngrade: true });
    assert.deepEqual([back.outcome, back.supersededVersion], [SUPERSEDED_PREVIOUS, "1.3.0"]);
    assert.equal(back.workflow?.workflowId, first.workflowId);
    const { workflow: latest } = await catalog.getWorkflow({ workflowName: "taken-back" });
    assert.equal(latest?.version, "1.2.3");
  });

  test("is disabled, enabled, deprecated and archived", async () => {
    const { workflowId } = await registerWorkflow(catalog, "lived");
    const reason = "as planned";
    const acts = [
      [catalog.disableWorkflow, WorkflowStatus.DISABLED],
      [catalog.enableWorkflow, WorkflowStatus.ACTIVE],
      [catalog.deprecateWorkflow, WorkflowStatus.DEPRECATED],
      [catalog.archiveWorkflow, WorkflowStatus.ARCHIVED],
    ] as const;
    let { count } = await catalog.countActiveWorkflows({ actionType: "RestartDeployment" });
    for (const [act, status] of acts) {
      const { workflow, correlationId } = await act({ workflowId: workflowId.toUpperCase(), reason });
      assert.deepEqual([workflow?.status, workflow?.statusReason, workflow?.updatedBy], [status, reason, "anonymous"]);
      const [event] = await recorded(correlationId);
      assert.equal(event?.data["reason"], reason);
      const { workflow: read } = await catalog.getWorkflow({ workflowId, view: WorkflowView.BASIC });
      assert.deepEqual(read, workflow);
      const again = await act({ workflowId, reason: "another" });
      assert.deepEqual([again.correlationId, again.workflow], ["", workflow]);
    }
    count -= (await catalog.countActiveWorkflows({ actionType: "RestartDeployment" })).count;
    assert.equal(count, 1);
  });

  test("is read as it was registered", async () => {
    const spec = {
      labels: {
        severity: "Critical",
        component: ["apps/v1/Deployment", "Node"],
        environment: ["Prod", "*"],
        priority: "p1",
      },
      detectedLabels: { gitOpsManaged: "true", stateful: false, gitOpsTool: "ArgoCD" },
      customLabels: { team: "Payments", "cost centre": ["A1", "b2"] },
      execution: {
        engine: "ansible",
        bundle: "https://git.example/playbooks.git",
        bundleDigest: "A".repeat(40),
        engineConfig: { playbookPath: "a.yml", inventoryName: "site" },
        serviceAccountName: "runner",
      },
      parameters: [
        { name: "N", type: "integer", required: true, description: "how many", minimum: 0, maximum: 9, default: 0 },
        {
          name: "MODE",
          type: "string",
          required: false,
          description: "how",
          enum: ["a", "b"],
          default: "a",
          pattern: "^.$",
          dependsOn: ["N"],
        },
        { name: "SETTINGS", type: "object", required: false, description: "more", default: { deep: [1, null, true] } },
      ],
    };
    const registered = await registerWorkflow(catalog, "read-back", spec);
    const { workflowId } = registered;
    const { workflow } = await catalog.getWorkflow({ workflowId });
    assert.ok(workflow);
    const { $typeName: _, ...labels } = workflow.labels ?? { $typeName: "" };
    assert.deepEqual(labels, {
      severity: ["Critical"],
      component: ["apps/v1/Deployment", "Node"],
      environment: ["Prod", "*"],
      priority: ["p1"],
    });
    const { gitOpsManaged, stateful, gitOpsTool, pdbProtected } = workflow.detectedLabels ?? {};
    assert.deepEqual([gitOpsManaged, stateful, gitOpsTool, pdbProtected], [true, false, "argocd", undefined]);
    assert.deepEqual(workflow.customLabels["team"]?.values, ["Payments"]);
    assert.deepEqual(workflow.customLabels["cost centre"]?.values, ["A1", "b2"]);
    assert.deepEqual(workflow.execution?.engineConfig, spec.execution.engineConfig);
    assert.deepEqual(
      [
        workflow.execution?.engine,
        workflow.execution?.bundle,
        workflow.execution?.bundleDigest,
        workflow.execution?.serviceAccountName,
      ],
      ["ansible", "https://git.example/playbooks.git", "a".repeat(40), "runner"],
    );
    const [n, mode, settings] = workflow.parameters;
    assert.deepEqual([n?.minimum, n?.maximum, n?.required], [0, 9, true]);
    assert.deepEqual(n?.default, fromJson(ValueSchema, 0));
    assert.deepEqual(mode?.enum, [fromJson(ValueSchema, "a"), fromJson(ValueSchema, "b")]);
    assert.deepEqual([mode?.pattern, mode?.dependsOn, mode?.minimum], ["^.$", ["N"], undefined]);
    assert.deepEqual(settings?.default, fromJson(ValueSchema, { deep: [1, null, true] }));
    assert.deepEqual(JSON.parse(workflow.schemaJson).parameters, spec.parameters);
    assert.ok(workflow.schemaJson.startsWith('{"actionType":"RestartDeployment","customLabels":{"cost centre":'));

    const { workflow: basic } = await catalog.getWorkflow({ workflowName: "read-back", view: WorkflowView.BASIC });
    assert.deepEqual(basic, registered);
    assert.deepEqual({ ...basic, parameters: workflow.parameters, schemaJson: workflow.schemaJson }, workflow);
  });

  test("is compared with another version", async () => {
    await registerWorkflow(catalog, "compared");
    await registerWorkflow(catalog, "compared", { version: "2.0.0", parameters: [] });
    const versions = { workflowName: "compared", fromVersion: "1.2.3", toVersion: "2.0.0" };
    const { changes, truncated } = await catalog.compareWorkflowVersions(versions);
    assert.deepEqual(
      changes.map(({ path, fromJson: from, toJson: to }) => [path, from, to]),
      [
        [
          "spec.parameters[TARGET]",
          '{"description":"What is restarted","name":"TARGET","required":true,"type":"string"}',
          "",
        ],
        ["spec.version", '"1.2.3"', '"2.0.0"'],
      ],
    );
    assert.equal(truncated, false);
    const same = await catalog.compareWorkflowVersions({ ...versions, toVersion: "1.2.3" });
    assert.deepEqual(same.changes, []);
  });

  test("that is large is told in part where it is compared", async () => {
    const config = (first: number) =>
      Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`key${first + index}`, "x".repeat(500)]));
    const spec = (version: string, first: number) => ({ version, dependencies: config(first) });
    await registerWorkflow(catalog, "compared-large", spec("1.0.0", 0));
    await registerWorkflow(catalog, "compared-large", spec("1.1.0", 5000));
    const versions = { workflowName: "compared-large", fromVersion: "1.0.0", toVersion: "1.1.0" };
    const { changes, truncated } = await catalog.compareWorkflowVersions(versions);
    assert.deepEqual([changes.length, truncated], [1000, true]);
  });
});

describe("discovery", async () => {
  await catalog.registerActionType({ content: actionTypeText("CordonNode") });
  const node = {
    actionType: "CordonNode",
    labels: { severity: "*", component: "v1/Node", environment: "*", priority: "*" },
  };
  const plain = await registerWorkflow(catalog, "cordon", node);
  const managed = await registerWorkflow(catalog, "cordon-managed", {
    ...node,
    detectedLabels: { gitOpsManaged: true },
  });
  const staging = await registerWorkflow(catalog, "cordon-staging", {
    ...node,
    labels: { ...node.labels, environment: "staging" },
  });
  const context = {
    severity: "high",
    component: "Node",
    environment: "production",
    detectedLabels: { gitOpsManaged: true },
  };

  test("explains its order and what it leaves out", async () => {
    const reply = await catalog.listMatchingWorkflows({ actionType: "CordonNode", context, explain: true });
    assert.deepEqual(
      reply.workflows.map(({ workflow, score }) => [workflow?.workflowId, score]),
      [
        [managed.workflowId, 0.51],
        [plain.workflowId, 0.49],
      ],
    );
    const gitOps = reply.workflows.map(({ contributions }) => contributions.at(-1));
    assert.deepEqual(
      gitOps.map((one) => [one?.label, one?.match, one?.points, one?.contextValues, one?.workflowValues]),
      [
        ["detectedLabels.gitOpsManaged", LabelMatch.EXACT, 0.1, ["true"], ["true"]],
        ["detectedLabels.gitOpsManaged", LabelMatch.NOT_DECLARED, -0.1, ["true"], []],
      ],
    );
    assert.equal(reply.excludedCount, 1);
    assert.deepEqual(
      reply.excluded.map(({ workflowId, excludedBy }) => [workflowId, excludedBy.map(({ label }) => label)]),
      [[staging.workflowId, ["labels.environment"]]],
    );
  });

  test("leaves its events with the remediation, or with a correlation of its own", async () => {
    const { correlationId } = await catalog.listAvailableActions({ context: { ...context, remediationId: "rr-node" } });
    assert.equal(correlationId, "rr-node");
    const [event] = await untilEvents(client, correlationId, 1);
    assert.equal(event?.eventType, "workflow.catalog.actions_listed");
    assert.equal(event?.actorId, "anonymous");
    const made = await catalog.getMatchingWorkflow({ workflowId: plain.workflowId, context });
    assert.match(made.correlationId, /^discovery-/);
    assert.equal((await untilEvents(client, made.correlationId, 2)).length, 2);
  });

  test("goes on page by page", async () => {
    const ids: (string | undefined)[] = [];
    for (let pageToken = ""; ; ) {
      const page = await catalog.listMatchingWorkflows({ actionType: "CordonNode", context, pageSize: 1, pageToken });
      ids.push(...page.workflows.map(({ workflow }) => workflow?.workflowId));
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    assert.deepEqual(ids, [managed.workflowId, plain.workflowId]);
  });
});

test("the greatest descriptions that the rules allow are registered, replaced and told", async () => {
  const long = (character: string) => {
    const text = character.repeat(4000);
    return { what: text, whenToUse: text, whenNotToUse: text, preconditions: text };
  };
  await catalog.registerActionType({ content: actionTypeText("Verbose", long("🙂")) });
  const { outcome } = await catalog.updateActionType({ actionType: "Verbose", description: long("🙃") });
  assert.equal(outcome, UPDATED);
});
