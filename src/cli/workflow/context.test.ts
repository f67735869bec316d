import assert from "node:assert/strict";
import { test } from "node:test";
import { DetectedLabelsSchema } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { readArguments } from "../arguments.ts";
import { contextFlags, readContext } from "./context.ts";
import { match } from "./match.ts";
import { DETECTED_LABELS } from "./workflows.ts";

const read = (...args: string[]) => readContext(readArguments(match, args));

test("flags make the context", () => {
  const context = read(
    ...["--severity", "critical", "--component=apps/v1/Deployment", "--environment", "production", "--priority", "P1"],
    ...["--detected", "gitOpsManaged=true", "--detected", "gitOpsTool=argocd", "--detected", "stateful=false"],
    ...["--label", "team=payments", "--label", "team=data", "--label", "cost=a=b", "--label", "__proto__=x"],
    ...["--remediation-id", "rr-1"],
  );
  const { severity, component, environment, priority, remediationId, detectedLabels, customLabels } = context;
  assert.deepEqual(
    [severity, component, environment, priority, remediationId],
    ["critical", "apps/v1/Deployment", "production", "P1", "rr-1"],
  );
  const { gitOpsManaged, gitOpsTool, stateful, helmManaged } = detectedLabels!;
  assert.deepEqual([gitOpsManaged, gitOpsTool, stateful, helmManaged], [true, "argocd", false, undefined]);
  const values = Object.entries(customLabels).map(([key, label]) => [key, label.values]);
  assert.deepEqual(values, [
    ["team", ["payments", "data"]],
    ["cost", ["a=b"]],
    ["__proto__", ["x"]],
  ]);
});

test("what is not given says nothing", () => {
  const context = read();
  assert.deepEqual([context.severity, context.detectedLabels, context.remediationId], ["", undefined, ""]);
});

test("every detected label of the contract can be given", () => {
  assert.deepEqual(
    Object.keys(DETECTED_LABELS),
    DetectedLabelsSchema.fields.map(({ localName }) => localName),
  );
  assert.ok(Object.keys(DETECTED_LABELS).every((name) => contextFlags.detected.help.includes(name)));
});

test("values that cannot be are refused with the flag and what was meant", () => {
  for (const [args, told] of [
    [["--detected", "gitopsTool=argocd"], /--detected has no label "gitopsTool"; did you mean gitOpsTool\?/],
    [["--detected", "stateful"], /--detected must be a name and a value such as gitOpsTool=argocd, and not "stateful"/],
    [["--detected", "stateful=yes"], /--detected stateful must be true or false, and not "yes"/],
    [["--detected", "stateful=true", "--detected", "stateful=false"], /--detected stateful can be given once/],
    [["--label", "=x"], /--label must be a name and a value such as team=payments, and not "=x"/],
  ] as const)
    assert.throws(() => read(...args), told);
});
