import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { ActionTypeStatus } from "../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import { type Workflow, WorkflowSchema, WorkflowStatus } from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import type { JsonObject } from "../integrity/canonical.ts";
import {
  actionTypeSize,
  actionTypeState,
  fromDescription,
  toActionType,
  toDescription,
  toFullWorkflow,
  toWorkflow,
  workflowSize,
  workflowStates,
} from "./messages.ts";
import type { ActionTypeRow, FullWorkflowRow } from "./rows.ts";

const ACTION_TYPE: ActionTypeRow = {
  action_type: "RestartPod",
  description: { what: "Restarts", whenToUse: "When it hangs" },
  status: "disabled",
  disabled_at: "2026-05-13 21:24:03.123456+00",
  disabled_by: "operator",
  created_at: "2026-05-01 00:00:00+00",
  updated_at: "2026-05-13 21:24:03.1+00",
  revision: "42",
};

function workflowRow(spec: JsonObject = {}): FullWorkflowRow {
  const execution = (spec["execution"] ?? { engine: "job", bundle: "b@sha256:00" }) as JsonObject;
  return {
    workflow_id: "5a0d0b1c-0000-5000-8000-000000000000",
    workflow_name: "restart-pod",
    version: "1.0.0",
    is_latest_version: true,
    action_type: "RestartPod",
    status: "active",
    labels: { severity: ["high"], component: ["pod", "*/pod"], environment: ["*"], priority: ["p1"] },
    custom_labels: {},
    detected_labels: { gitOpsManaged: true, serviceMesh: "*", stateful: false },
    description: ACTION_TYPE.description,
    execution_bundle_digest: "sha256:00",
    content_hash: "00".repeat(32),
    created_at: "2026-05-01 00:00:00.000001+00",
    created_by: "author",
    updated_at: "2026-05-01 00:00:00.000001+00",
    updated_by: "author",
    status_reason: null,
    revision: "7",
    declared_labels: { severity: "High", component: ["Pod"], environment: "*", priority: ["P1"] },
    declared_custom_labels: (spec["customLabels"] ?? null) as JsonObject | null,
    execution,
    schema_data: { ...spec, execution },
  };
}

describe("an action type", () => {
  test("keeps its times to the microsecond", () => {
    const { disabledAt, createdAt, updatedAt, status, etag } = toActionType(ACTION_TYPE);
    assert.equal(disabledAt?.nanos, 123_456_000);
    assert.equal(createdAt?.nanos, 0);
    assert.equal(updatedAt?.nanos, 100_000_000);
    assert.deepEqual([status, etag], [ActionTypeStatus.DISABLED, "42"]);
  });

  test("that is active has neither been disabled nor by whom", () => {
    const active = toActionType({ ...ACTION_TYPE, status: "active", disabled_at: null, disabled_by: null });
    assert.deepEqual([active.disabledAt, active.disabledBy], [undefined, ""]);
  });

  test("has a description that is the same there and back", () => {
    for (const description of [ACTION_TYPE.description, { ...ACTION_TYPE.description, preconditions: "It runs" }]) {
      assert.deepEqual(fromDescription(toDescription(description)), description);
    }
  });
});

describe("a workflow", () => {
  test("tells labels as they were declared, and detected ones as they are compared", () => {
    const { labels, detectedLabels, customLabels, status } = toWorkflow(
      workflowRow({ customLabels: { team: "A", x: ["b", "c"] } }),
    );
    assert.deepEqual(labels?.severity, ["High"]);
    assert.deepEqual(labels?.component, ["Pod"]);
    assert.deepEqual(
      [
        detectedLabels?.gitOpsManaged,
        detectedLabels?.stateful,
        detectedLabels?.helmManaged,
        detectedLabels?.serviceMesh,
      ],
      [true, false, undefined, "*"],
    );
    assert.deepEqual([customLabels["team"]?.values, customLabels["x"]?.values], [["A"], ["b", "c"]]);
    assert.equal(status, WorkflowStatus.ACTIVE);
  });

  test("has its parameters and its spec in the full view alone", () => {
    const row = workflowRow({ parameters: [{ name: "N", type: "number", default: null, minimum: 0.5 }] });
    const full = toFullWorkflow(row);
    const [parameter] = full.parameters;
    assert.deepEqual(parameter?.default?.kind, { case: "nullValue", value: 0 });
    assert.deepEqual([parameter?.minimum, parameter?.maximum], [0.5, undefined]);
    assert.equal(
      full.schemaJson,
      '{"execution":{"bundle":"b@sha256:00","engine":"job"},"parameters":[{"default":null,"minimum":0.5,"name":"N","type":"number"}]}',
    );
    const basic = toWorkflow(row);
    assert.deepEqual([basic.parameters, basic.schemaJson], [[], ""]);
    assert.deepEqual<Workflow>({ ...basic, parameters: full.parameters, schemaJson: full.schemaJson }, full);
    assert.deepEqual(fromBinary(WorkflowSchema, toBinary(WorkflowSchema, full)), full);
  });
});

describe("filters", () => {
  test("of no state ask for any", () => {
    assert.equal(actionTypeState(ActionTypeStatus.UNSPECIFIED), undefined);
    assert.equal(actionTypeState(ActionTypeStatus.ACTIVE), "active");
    assert.deepEqual(workflowStates([]), []);
    assert.deepEqual(workflowStates([WorkflowStatus.ARCHIVED, WorkflowStatus.UNSPECIFIED]), []);
    assert.deepEqual(workflowStates([WorkflowStatus.ARCHIVED, WorkflowStatus.SUPERSEDED]), ["archived", "superseded"]);
  });
});

describe("what is told of a reply's size", () => {
  const text = fc.string({ unit: "binary", maxLength: 50 });

  test("of an action type is never too little", () => {
    fc.assert(
      fc.property(text, text, (what, whenToUse) => {
        const row = { ...ACTION_TYPE, description: { what, whenToUse } };
        const { bound, measure } = actionTypeSize(toActionType(row), row);
        assert.ok(measure() <= bound);
      }),
    );
  });

  test("of a workflow is never too little", () => {
    const labels = fc.dictionary(text, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 5 })), { maxKeys: 50 });
    const value = fc.oneof(fc.jsonValue(), fc.array(fc.constant(1), { maxLength: 500 }));
    const settings = fc.dictionary(text, value, { maxKeys: 20 });
    fc.assert(
      fc.property(labels, settings, text, (customLabels, engineConfig, reason) => {
        const execution = { engine: "ansible", bundle: "b", engineConfig };
        const row = { ...workflowRow({ customLabels, execution } as JsonObject), status_reason: reason };
        const { bound, measure } = workflowSize(toWorkflow(row), row);
        assert.ok(measure() <= bound, `${measure()} > ${bound}`);
      }),
    );
  });
});
