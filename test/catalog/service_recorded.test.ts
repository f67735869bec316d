// The action types and workflows of a real installation: registered, found for what they are made for, read and compared.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RegistrationOutcome } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { type Workflow, WorkflowLabelsSchema, WorkflowStatus } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { listAll } from "../support/audit_service.ts";
import { contextFor, recordedTexts, refusalOf, startCatalogService, untilEvents } from "../support/catalog.ts";

const actionTypes = recordedTexts("action-types");
const workflows = recordedTexts("workflows");

describe("a recorded catalog", { skip: !workflows && "DATASTORAGE_TEST_DATA is not set" }, async () => {
  if (actionTypes === undefined || workflows === undefined) return;
  const { catalog, client } = await startCatalogService({ after });
  const { CREATED, UNCHANGED } = RegistrationOutcome;
  const registered: Workflow[] = [];

  test("is registered, its workflows in any order", async () => {
    for (const content of actionTypes.values()) {
      const { outcome, warnings } = await catalog.registerActionType({ content });
      assert.equal(outcome, CREATED);
      assert.deepEqual(warnings, []);
    }
    for (const content of shuffled([...workflows.values()])) {
      const { outcome, workflow, correlationId } = await catalog.registerWorkflow({ content });
      assert.ok(workflow);
      assert.equal(outcome, CREATED);
      assert.equal(workflow.status, WorkflowStatus.ACTIVE);
      registered.push(workflow);
      const [event, ...others] = await listAll(client, { filter: { correlationId } });
      assert.equal(event?.eventType, "datastorage.workflow.created");
      assert.equal(event?.resourceId, workflow.workflowId);
      assert.deepEqual(others, []);
    }
  });

  test("registered again, is unchanged and leaves no event", async () => {
    const before = await listAll(client, {});
    for (const content of actionTypes.values()) {
      assert.equal((await catalog.registerActionType({ content })).outcome, UNCHANGED);
    }
    for (const content of shuffled([...workflows.values()])) {
      const { outcome, workflow, correlationId } = await catalog.registerWorkflow({ content });
      assert.equal(outcome, UNCHANGED);
      assert.equal(correlationId, "");
      assert.deepEqual(
        workflow,
        registered.find(({ workflowName }) => workflowName === workflow?.workflowName),
      );
    }
    assert.equal((await listAll(client, {})).length, before.length);
    assert.equal(before.length, actionTypes.size + workflows.size);
  });

  test("is listed by name, and counted", async () => {
    const { workflows: listed } = await catalog.listWorkflows({});
    const names = registered.map(({ workflowName }) => workflowName);
    assert.deepEqual(
      listed.map(({ workflowName }) => workflowName),
      names.toSorted(),
    );
    const { actionTypes: kinds } = await catalog.listActionTypes({});
    assert.equal(kinds.length, actionTypes.size);
    for (const { actionType } of kinds) {
      const { count } = await catalog.countActiveWorkflows({ actionType });
      assert.equal(count, registered.filter((workflow) => workflow.actionType === actionType).length, actionType);
    }
  });

  test("is read with all that was registered", async () => {
    for (const { workflowId, workflowName, version } of registered) {
      const { workflow } = await catalog.getWorkflow({ workflowId });
      assert.deepEqual((await catalog.getWorkflow({ workflowName, version })).workflow, workflow);
      assert.deepEqual((await catalog.getWorkflow({ workflowName })).workflow, workflow);
      const spec = JSON.parse(workflow?.schemaJson ?? "");
      assert.equal(spec.version, version);
      assert.deepEqual(
        workflow?.parameters.map(({ name, required, type }) => ({ name, required, type })),
        (spec.parameters ?? []).map(({ name, required = false, type }: Record<string, unknown>) => {
          return { name, required, type };
        }),
      );
    }
  });

  test("is found for the incidents that each workflow is made for", async () => {
    for (const { workflowId, workflowName, actionType, ...made } of registered) {
      const context = { ...contextFor(made as Workflow), remediationId: `rr-${workflowName}` };
      const { actionTypes: offered } = await catalog.listAvailableActions({ context });
      const offer = offered.find((kind) => kind.actionType === actionType);
      const { workflows: matching } = await catalog.listMatchingWorkflows({ actionType, context });
      assert.equal(offer?.workflowCount, matching.length, workflowName);
      const match = matching.find(({ workflow }) => workflow?.workflowId === workflowId);
      assert.ok(match, workflowName);
      assert.equal(match.score, undefined);
      const { workflow } = await catalog.getMatchingWorkflow({ workflowId, context });
      assert.deepEqual(workflow, (await catalog.getWorkflow({ workflowId })).workflow);
      const events = await untilEvents(client, `rr-${workflowName}`, 4);
      assert.deepEqual(
        events.map((event) => event.eventType),
        ["actions_listed", "workflows_listed", "workflow_retrieved", "selection_validated"].map(
          (name) => `workflow.catalog.${name}`,
        ),
      );
    }
  });

  test("is not found for others", async () => {
    for (const workflow of registered) {
      const other = otherIncident(workflow);
      assert.ok(other, `${workflow.workflowName} fits everything`);
      const context = { ...contextFor(workflow), ...other };
      const { workflows: matching } = await catalog.listMatchingWorkflows({ actionType: workflow.actionType, context });
      assert.ok(!matching.some((match) => match.workflow?.workflowId === workflow.workflowId), workflow.workflowName);
      const { workflowId } = workflow;
      const { code, reason } = await refusalOf(catalog.getMatchingWorkflow({ workflowId, context }));
      assert.deepEqual([code, reason], ["NotFound", "WORKFLOW_NOT_MATCHING"]);
    }
  });
});

/** A label that makes an incident one that a workflow is not made for; undefined where it fits all of them. */
function otherIncident({ labels = create(WorkflowLabelsSchema) }: Workflow) {
  const others = { severity: "info", component: "batch/v1/Job", environment: "elsewhere", priority: "P4" } as const;
  for (const label of ["severity", "component", "environment", "priority"] as const) {
    const declared = labels[label].map((value) => value.toLowerCase());
    if (!declared.includes("*") && !declared.includes(others[label].toLowerCase())) return { [label]: others[label] };
  }
  return undefined;
}

/** In another order at every run. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
