import assert from "node:assert/strict";
import { test } from "node:test";
import { type Loose, workflowObject } from "../../../test/support/workflow_sample.ts";
import { Fault } from "../../fault.ts";
import { type Read, readWorkflowContent, type WorkflowContent } from "./content.ts";

function read(spec: Loose): Promise<Read<WorkflowContent>> {
  return readWorkflowContent(JSON.stringify(workflowObject(spec)));
}

/** What is wrong with a spec, as `path: rule`. */
async function faults(spec: Loose): Promise<string[]> {
  const fault = await read(spec).then(
    () => assert.fail(`taken: ${JSON.stringify(spec)}`),
    (error: unknown) => error,
  );
  assert.ok(fault instanceof Fault && fault.kind === "invalid", String(fault));
  return (fault.details.violations ?? []).map(({ field, description }) => `${field}: ${description}`);
}

const labels = (changed: Loose) => ({
  labels: { severity: "high", component: "Node", environment: "*", priority: "P1", ...changed },
});
const parameters = (...changed: Loose[]) => ({
  parameters: changed.map((one, index) => ({ name: `P${index}`, type: "string", ...one })),
});
const execution = (changed: Loose) => ({
  execution: { engine: "job", bundle: `a/b@sha256:${"0".repeat(64)}`, ...changed },
});
const ansible = (changed: Loose) => ({
  execution: {
    engine: "ansible",
    bundle: "https://git.example/ops/playbooks.git",
    bundleDigest: "c".repeat(40),
    engineConfig: { playbookPath: "playbooks/a.yml" },
    ...changed,
  },
});
const many = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);

/** Changes to a spec, and what is told of them, as `path: start of the rule`. */
const REFUSED: readonly (readonly [Loose, ...string[]])[] = [
  [{ version: undefined }, "spec.version: must be given"],
  [{ version: 1 }, "spec.version: must be a string"],
  ...["v1.2.3", "1.2", "01.2.3", "1.2.3 ", "=1.2.3", "1.2.3-01", "", "1.2.3\n", `1.2.3-${"a".repeat(251)}`].map(
    (version) => [{ version }, "spec.version: must be a semantic version"] as const,
  ),
  [{ actionType: "restartPod" }, "spec.actionType: must be PascalCase"],
  [{ actionType: `A${"a".repeat(100)}` }, "spec.actionType: must be PascalCase"],
  [{ description: "x" }, "spec.description: must be an object"],
  [
    { description: { whenToUse: " \n", whenNotToUse: 1, preconditions: "é".repeat(4_001) } },
    "spec.description.what: must be given",
    "spec.description.whenToUse: must not be blank",
    "spec.description.whenNotToUse: must be a string",
    "spec.description.preconditions: must have at most 4000 characters",
  ],
  [{ labels: [] }, "spec.labels: must be an object"],
  [labels({ severity: undefined }), "spec.labels.severity: must be given"],
  [labels({ severity: [] }), "spec.labels.severity: must have 1 to 100 values; it has 0"],
  [labels({ environment: many(101) }), "spec.labels.environment: must have 1 to 100 values; it has 101"],
  [labels({ severity: ["low", "severe"] }), "spec.labels.severity[1]: must be one of critical"],
  [labels({ priority: "P5" }), "spec.labels.priority: must be one of P0, P1, P2, P3, P4 or *"],
  [
    labels({ environment: ["", "x".repeat(64)] }),
    "spec.labels.environment[0]: must have 1",
    "spec.labels.environment[1]: must have 1",
  ],
  [labels({ component: ["a/b/c/d"] }), "spec.labels.component[0]: must be a kind"],
  [labels({ component: null }), "spec.labels.component: must be a string"],
  [labels({ team: "x" }), "spec.labels.team: must not be given"],
  [{ detectedLabels: { helmManaged: "yes" } }, "spec.detectedLabels.helmManaged: must be true or false"],
  [{ detectedLabels: { gitOpsTool: "jenkins" } }, "spec.detectedLabels.gitOpsTool: must be one of argocd, flux or *"],
  [{ detectedLabels: { serviceMesh: true } }, "spec.detectedLabels.serviceMesh: must be a string"],
  [{ detectedLabels: { constructor: 1 } }, "spec.detectedLabels.constructor: must not be given"],
  [{ customLabels: ["a"] }, "spec.customLabels: must be an object"],
  [{ customLabels: { a: [] } }, "spec.customLabels.a: must have 1 to 100 values"],
  [
    { customLabels: { a: ["x", ""], b: 1 } },
    "spec.customLabels.a[1]: must have 1",
    "spec.customLabels.b: must be a string",
  ],
  [{ customLabels: { "": "x" } }, 'spec.customLabels[""]: must have'],
  [
    { customLabels: Object.fromEntries(many(101).map((key) => [key, "x"])) },
    "spec.customLabels: must have at most 100 labels",
  ],
  [{ dependencies: [] }, "spec.dependencies: must be an object"],
  [{ execution: undefined }, "spec.execution: must be given"],
  [execution({ engine: "argo" }), "spec.execution.engine: must be one of tekton, job, ansible"],
  [execution({ bundle: "a/b:1.0" }), "spec.execution.bundle: must be an image pinned by its digest"],
  [execution({ bundle: `a/b@sha256:${"A".repeat(64)}` }), "spec.execution.bundle: must be an image"],
  [execution({ bundle: undefined }), "spec.execution.bundle: must be given"],
  [
    execution({ bundleDigest: `sha256:${"1".repeat(64)}` }),
    "spec.execution.bundleDigest: must be the digest in bundle",
  ],
  [execution({ engineConfig: [] }), "spec.execution.engineConfig: must be an object"],
  [execution({ serviceAccountName: "Runner_1" }), "spec.execution.serviceAccountName: must be a DNS-1123"],
  [ansible({ bundle: "ftp://x/y" }), "spec.execution.bundle: must be the URL of a Git repository"],
  [ansible({ bundle: "https://git.example/a b" }), "spec.execution.bundle: must be the URL"],
  [ansible({ bundle: "https://ci:secret@git.example/a" }), "spec.execution.bundle: must hold no password or token"],
  [ansible({ bundle: "https://token@git.example/a" }), "spec.execution.bundle: must hold no password or token"],
  [ansible({ bundle: "ssh://git:secret@git.example/a" }), "spec.execution.bundle: must hold no password or token"],
  [
    execution({ engineConfig: { a: "x".repeat(65_530) } }),
    "spec.execution.engineConfig: must be at most 65536 bytes as JSON; it has 65538",
  ],
  [ansible({ bundleDigest: "main" }), "spec.execution.bundleDigest: must be the commit"],
  [ansible({ bundleDigest: undefined }), "spec.execution.bundleDigest: must be given"],
  [ansible({ engineConfig: undefined }), "spec.execution.engineConfig: must be given"],
  [ansible({ engineConfig: {} }), "spec.execution.engineConfig.playbookPath: must be given"],
  ...["/etc/a.yml", "../a.yml", "a/../../b.yml", "a\\..\\b", "C:/a"].map(
    (playbookPath) =>
      [
        ansible({ engineConfig: { playbookPath } }),
        "spec.execution.engineConfig.playbookPath: must be a path within",
      ] as const,
  ),
  [
    ansible({ engineConfig: { playbookPath: "a", inventoryName: 1 } }),
    "spec.execution.engineConfig.inventoryName: must be a string",
  ],
  [{ parameters: {} }, "spec.parameters: must be a list"],
  [{ parameters: ["A"] }, "spec.parameters[0]: must be an object"],
  [
    parameters(...Array.from({ length: 201 }, () => ({}))),
    "spec.parameters: must have at most 200 parameters; it has 201",
  ],
  [parameters({ name: "lower" }), "spec.parameters[0].name: must be UPPER_SNAKE"],
  [parameters({}, { name: "P0" }), "spec.parameters[1].name: must be the name of one parameter alone"],
  [parameters({ type: "int" }), "spec.parameters[0].type: must be one of string, integer"],
  [parameters({ required: "yes" }), "spec.parameters[0].required: must be true or false"],
  [parameters({ description: "x".repeat(4_001) }), "spec.parameters[0].description: must have at most 4000"],
  [parameters({ enum: [] }), "spec.parameters[0].enum: must have 1 to 100 values"],
  [parameters({ enum: ["a", "b", "a"] }), "spec.parameters[0].enum: must not have a value twice"],
  [parameters({ enum: ["a", 1] }), "spec.parameters[0].enum[1]: must be a string, as type says"],
  [
    parameters({
      type: "object",
      enum: [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    }),
    "spec.parameters[0].enum: must not have",
  ],
  [parameters({ pattern: "(" }), "spec.parameters[0].pattern: must be a regular expression in RE2 syntax"],
  [parameters({ pattern: "(?=a)" }), "spec.parameters[0].pattern: must be a regular expression"],
  [parameters({ pattern: "a".repeat(1_001) }), "spec.parameters[0].pattern: must have at most 1000 characters"],
  [
    parameters({ type: "integer", pattern: "a" }),
    "spec.parameters[0].pattern: must not be given unless type is string",
  ],
  [parameters({ minimum: 1 }), "spec.parameters[0].minimum: must not be given unless type is integer or number"],
  [parameters({ type: "number", minimum: 2, maximum: 1 }), "spec.parameters[0].maximum: must be at least minimum"],
  [parameters({ type: "integer", default: "2" }), "spec.parameters[0].default: must be a whole number, as type says"],
  [parameters({ type: "integer", default: 1.5 }), "spec.parameters[0].default: must be a whole number"],
  [parameters({ type: "boolean", default: "true" }), "spec.parameters[0].default: must be true or false"],
  [parameters({ type: "object", default: [] }), "spec.parameters[0].default: must be an object"],
  [parameters({ default: null }), "spec.parameters[0].default: must be a string"],
  [parameters({ enum: ["a"], default: "b" }), "spec.parameters[0].default: must be a value of enum"],
  [parameters({ pattern: "^a$", default: "b" }), "spec.parameters[0].default: must match pattern"],
  [parameters({ type: "number", minimum: 1, default: 0 }), "spec.parameters[0].default: must be at least minimum"],
  [parameters({ type: "number", maximum: 1, default: 2 }), "spec.parameters[0].default: must be at most maximum"],
  [parameters({ dependsOn: "P9" }), "spec.parameters[0].dependsOn: must be the name of a parameter of this list"],
  [parameters({ dependsOn: ["P0"] }), "spec.parameters[0].dependsOn[0]: must be the name of another parameter"],
  [parameters({ dependsOn: [1] }), "spec.parameters[0].dependsOn[0]: must be the name of a parameter"],
  [
    parameters({ dependsOn: "P1" }, { dependsOn: "P0" }),
    "spec.parameters[0].dependsOn: must not form a circle: P0 → P1 → P0",
  ],
  [
    parameters({ dependsOn: "P1" }, { dependsOn: ["P2"] }, { dependsOn: ["P3", "P1"] }, {}),
    "spec.parameters[1].dependsOn: must not form a circle: P1 → P2 → P1",
  ],
  [parameters({ default: "x".repeat(512 * 1024) }), "spec.parameters: must be at most 524288 bytes as JSON"],
  [{ rollbackParameters: [{ name: "A" }] }, "spec.rollbackParameters[0].type: must be given"],
];

test("what breaks a rule is refused with its path and the rule", async () => {
  for (const [spec, ...expected] of REFUSED) {
    const found = await faults(spec);
    assert.equal(found.length, expected.length, found.join("\n"));
    for (const [index, text] of expected.entries()) {
      assert.ok(found[index]?.startsWith(text), `${found[index]} is not ${text}`);
    }
  }
});

const TAKEN: readonly Loose[] = [
  { version: "0.0.0-alpha.1+build.5" },
  { detectedLabels: { stateful: "False", helmManaged: true, gitOpsTool: "ArgoCD" } },
  { customLabels: { constructor: "x", "a b": ["y", "Y"] } },
  { parameters: undefined, dependencies: { secrets: [{ name: "a" }] } },
  execution({ engine: "tekton", bundleDigest: `sha256:${"0".repeat(64)}`, engineConfig: { a: 1 } }),
  execution({ bundle: `localhost:5000/a/b_c:v1.0@sha256:${"0".repeat(64)}` }),
  ansible({ bundle: "git@git.example:ops/playbooks.git", bundleDigest: "F".repeat(64) }),
  ansible({ bundle: "ssh://git@git.example:22/ops/playbooks.git" }),
  parameters(
    { default: "" },
    { pattern: "b+", default: "abc" },
    { type: "number", default: 1.5, minimum: 1.5, maximum: 1.5 },
  ),
  parameters({ type: "array", default: [1, "a"] }, { type: "object", enum: [{ a: 1 }, { a: 2 }], default: { a: 2 } }),
  parameters({ dependsOn: ["P1", "P2"] }, { dependsOn: "P2" }, {}),
  parameters({ description: "🦀".repeat(4_000) }),
];

test("what keeps the rules is taken without a warning", async () => {
  for (const spec of TAKEN) assert.deepEqual((await read(spec)).warnings, [], JSON.stringify(spec));
});

test("labels are normalised", async () => {
  const { content } = await read({
    labels: {
      severity: ["Critical", "critical"],
      component: ["apps/v1/Deployment", "Node"],
      environment: "PROD",
      priority: "p0",
    },
    detectedLabels: { stateful: "true", gitOpsTool: "Flux" },
    customLabels: { Team: ["Web", "web", "Ops"], tier: "Gold" },
  });
  assert.deepEqual(content.labels, {
    severity: ["critical"],
    component: ["apps/v1/deployment", "deployment", "node", "*/node"],
    environment: ["prod"],
    priority: ["p0"],
  });
  assert.deepEqual(content.detectedLabels, { gitOpsTool: "flux", stateful: true });
  assert.deepEqual(content.customLabels, { Team: ["web", "ops"], tier: ["gold"] });
});

test("what runs is stored with the digest that pins it", async () => {
  const job = (await read({})).content;
  assert.equal(job.executionBundleDigest, `sha256:${"a".repeat(64)}`);
  assert.equal(job.engineConfig, undefined);
  const play = (await read(ansible({ bundleDigest: "C".repeat(40) }))).content;
  assert.equal(play.executionBundleDigest, "c".repeat(40));
  assert.deepEqual(play.engineConfig, { playbookPath: "playbooks/a.yml" });
});

test("fields that are not known are kept and told", async () => {
  const { content, warnings } = await read({
    note: 1,
    description: { what: "a", whenToUse: "b", hint: "c" },
    ...execution({ timeout: 5 }),
    ...parameters({}, { requried: true }),
  });
  assert.deepEqual(
    warnings.map((warning) => warning.split(":")[0]),
    ["spec.execution.timeout", "spec.parameters[1].requried", "spec.note", "spec.description.hint"],
  );
  assert.match(warnings[1] as string, /: not a field that is known; kept and not used$/);
  assert.equal(content.spec["note"], 1);
});

test("at most 50 violations and 50 warnings are told", async () => {
  const wrong = await faults(parameters(...Array.from({ length: 60 }, () => ({ type: "x" }))));
  assert.equal(wrong.length, 50);
  const { warnings } = await read(Object.fromEntries(many(60).map((key) => [key, 1])));
  assert.equal(warnings.length, 51);
  assert.equal(warnings.at(-1), "and 10 more of this kind");
});
