import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { load } from "js-yaml";
import { LabelMatch, MatchingWorkflowSchema } from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { WorkflowSchema, WorkflowStatus } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { palette } from "../colour.ts";
import { width } from "../text.ts";
import { changeText } from "./compare.ts";
import { excludedText, explainedText } from "./explain.ts";
import { workflowText } from "./text.ts";
import { workflowYaml } from "./yaml.ts";

const colours = palette(false);
const spec = {
  actionType: "RestartPod",
  version: "1.0.0",
  text: "\u001b[2J\u202e evil",
  parameters: [{ name: "A", default: "true" }],
};
const workflow = () =>
  create(WorkflowSchema, {
    workflowId: "0e1f9a3c-7a55-5b0c-8e21-2d3a44c5b6f7",
    workflowName: "restart-pod",
    version: "1.0.0",
    isLatestVersion: true,
    actionType: "RestartPod",
    status: WorkflowStatus.DISABLED,
    description: {
      what: "Restarts the pod, and waits until it is ready again and takes part in the service.",
      whenToUse: "When \u001b[2Jit hangs",
    },
    labels: { severity: ["critical", "high"], component: ["v1/Pod"], environment: ["*"], priority: ["P1"] },
    detectedLabels: { gitOpsManaged: false, gitOpsTool: "*" },
    customLabels: { team: { values: ["data", "payments"] } },
    execution: { engine: "job", bundle: "r.example.com/x@sha256:ab", bundleDigest: "sha256:ab" },
    statusReason: "is broken",
    updatedBy: "dana",
    parameters: [
      { name: "WAIT", type: "integer", description: "How \u001b long", minimum: 0, default: 30, dependsOn: ["POD"] },
      { name: "POD", type: "string", required: true, enum: ["a", "b"], pattern: "^.$" },
    ].map(({ default: fallback, enum: values = [], ...more }) => ({
      ...more,
      enum: values.map((value) => ({ kind: { case: "stringValue" as const, value } })),
      ...(fallback !== undefined && { default: { kind: { case: "numberValue" as const, value: fallback } } }),
    })),
    schemaJson: JSON.stringify(spec),
  });

test("a workflow for people: what is known of it, and its parameters", () => {
  assert.equal(
    workflowText(workflow(), undefined, colours),
    `restart-pod 1.0.0 disabled (latest)
Workflow id      0e1f9a3c-7a55-5b0c-8e21-2d3a44c5b6f7
Action type      RestartPod
What             Restarts the pod, and waits until it is ready again and takes part in the service.
When to use      When �[2Jit hangs
Severity         critical, high
Component        v1/Pod
Environment      *
Priority         P1
Detected labels  gitOpsManaged=false, gitOpsTool=*
Custom labels    team=data|payments
Engine           job
Bundle           r.example.com/x@sha256:ab
Changed          by dana
Reason           is broken
Parameters
  WAIT integer
      How � long
      at least 0; default 30; needs POD
  POD string, required
      one of "a", "b"; matches ^.$
`,
  );
});

test("in a terminal no line is wider, down to 40 columns", () => {
  for (const columns of [40, 60, 80, 120]) {
    for (const line of workflowText(workflow(), columns, colours).split("\n"))
      assert.ok(width(line) <= columns, `${columns}: ${line}`);
  }
});

test("as YAML: the whole object with the members in the order of people; on a terminal nothing moves the cursor", () => {
  const text = workflowYaml(workflow(), false);
  assert.deepEqual(load(text), {
    apiVersion: "kubernaut.ai/v1alpha1",
    kind: "RemediationWorkflow",
    metadata: { name: "restart-pod" },
    spec,
  });
  assert.match(
    text,
    /version: 1\.0\.0\n {2}actionType: .*\n {2}parameters:\n {4}- name: A\n {6}default: 'true'\n {2}text: /,
  );
  assert.ok(text.includes("\u202e"));
  assert.ok(!/[\p{Cc}\u202e]/u.test(workflowYaml(workflow(), true).replaceAll("\n", "")));
});

const contribution = (label: string, match: LabelMatch, points: number, asked: string, declared: string[]) => ({
  label,
  match,
  points,
  contextValues: [asked],
  workflowValues: declared,
});

test("an explanation: the score, and what each label gave", () => {
  const { EXACT, WILDCARD, NOT_DECLARED } = LabelMatch;
  const matching = create(MatchingWorkflowSchema, {
    workflow: workflow(),
    score: 0.5075000001,
    contributions: [
      contribution("labels.severity", EXACT, 0, "critical", ["critical", "high"]),
      contribution("detectedLabels.gitOpsTool", WILDCARD, 0.05, "argocd", ["*"]),
      contribution("detectedLabels.gitOpsManaged", NOT_DECLARED, -0.1, "true", []),
      contribution('customLabels["team"]', EXACT, 0.15, "data", ["data"]),
    ],
  });
  const text = explainedText(2, matching, undefined, colours);
  assert.equal(
    text,
    `2. restart-pod 1.0.0  score 0.5075
     Restarts the pod, and waits until it is ready again and takes part in the service.
     0       labels.severity               asked critical; the workflow has critical, high
     +0.05   detectedLabels.gitOpsTool     asked argocd; the workflow has *
     -0.1    detectedLabels.gitOpsManaged  asked true; the workflow has none
     +0.15   customLabels["team"]          asked data; the workflow has data`,
  );
});

test("who was left out, by which label, and how many more", () => {
  assert.equal(excludedText({ count: 0, workflows: [] }, colours), "");
  const excludedBy = [contribution("labels.severity", LabelMatch.MISMATCH, 0, "critical", ["low\u001b", "info"])];
  const [one] = [{ workflowId: "", workflowName: "other", version: "2.0.0", excludedBy }] as never[];
  assert.equal(
    excludedText({ count: 3, workflows: [one!] }, colours),
    `Left out: 3 workflows
  other 2.0.0
     labels.severity  asked critical; the workflow has low�, info
  … and 2 more workflows
`,
  );
});

test("a difference: the path, what stood there, what stands there now", () => {
  const change = { path: "spec.x", fromJson: '["a\u009b"]', toJson: "" } as Parameters<typeof changeText>[0];
  assert.equal(changeText(change, colours), 'spec.x\n  - ["a�"]');
  assert.equal(changeText({ ...change, fromJson: "", toJson: "1" }, colours), "spec.x\n  + 1");
});
