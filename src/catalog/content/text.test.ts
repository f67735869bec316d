import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { dump } from "js-yaml";
import { actionTypeObject, type Loose, workflowObject } from "../../../test/support/workflow_sample.ts";
import { Fault } from "../../fault.ts";
import { checkDescription, readActionTypeContent, readWorkflowContent } from "./content.ts";
import { objectOfKind } from "./documents.ts";
import { Findings } from "./findings.ts";

/** What is wrong with a text, as `path: rule`. A timer keeps the process alive while a thread reads. */
async function faults(text: string, read: (text: string) => Promise<unknown> = readWorkflowContent): Promise<string[]> {
  const alive = setInterval(() => {}, 1_000);
  const fault = await read(text).then(
    () => assert.fail("the text was taken"),
    (error: unknown) => error,
  );
  clearInterval(alive);
  assert.ok(fault instanceof Fault && fault.kind === "invalid", String(fault));
  return (fault.details.violations ?? []).map(({ field, description }) => `${field}: ${description}`);
}

const HEAD = "apiVersion: kubernaut.ai/v1alpha1\nkind: RemediationWorkflow\nmetadata: {name: a}\n";
const sample = () => JSON.stringify(workflowObject());

/** Texts, and the start of the first thing that is told of each. */
const REFUSED: readonly (readonly [string, string])[] = [
  ["", "content: must hold an object of kind RemediationWorkflow; it holds none of any kind"],
  ["[1]", "content: must hold an object of kind RemediationWorkflow; it holds none"],
  ["kind: A\n---\nkind: B", "content: must hold an object of kind RemediationWorkflow; it holds A, B"],
  [`${sample()}\n---\n${sample()}`, "content: must hold exactly one object of kind RemediationWorkflow; it holds 2"],
  [
    "kind: RemediationWorkflow",
    "content: must hold a RemediationWorkflow of apiVersion kubernaut.ai/v1alpha1; its apiVersion is absent",
  ],
  [
    "kind: RemediationWorkflow\napiVersion: v1",
    'content: must hold a RemediationWorkflow of apiVersion kubernaut.ai/v1alpha1; its apiVersion is "v1"',
  ],
  ["a: 1\n b: [", "content: must be YAML or JSON text: bad indentation of a mapping entry (line 2, column 3)"],
  ["a: 1\na: 2", "content: must not have a key twice in one object (line 2, column 1)"],
  ['{"a":1,"\\u0061":2}', "content: must not have a key twice in one object (line 1, column 9)"],
  ["1: a\n'1': b", "content: must not have a key twice in one object"],
  ["[a]: 1", "content: must have strings as keys"],
  ["a: \0", "content: must not hold U+0000"],
  ["a: \ud800", "content: must be YAML or JSON text: the stream contains non-printable characters"],
  ["a: !!binary aGk=", "content: must be YAML or JSON text: unknown scalar tag !<tag:yaml.org,2002:binary>"],
  ["a: !mine {}", "content: must be YAML or JSON text: unknown mapping tag"],
  [`a: !${"x".repeat(5_000)} {}`, "content: must be YAML or JSON text: unknown mapping tag"],
  ["a: *b", "content: must be YAML or JSON text: unidentified alias"],
  [`a: ${"[".repeat(64)}${"]".repeat(64)}`, "content: must be nested at most 64 levels deep (line 1, column"],
  [`a: &a b\nc: [${"*a,".repeat(101)}]`, "content: must have at most 100 aliases"],
  [`${HEAD}spec: []`, "spec: must be an object"],
  [HEAD, "spec: must be given"],
  [HEAD.replace("{name: a}", "[]"), "metadata: must be an object"],
  [HEAD.replace("{name: a}", "{name: A_b}"), "metadata.name: must be a DNS-1123 subdomain"],
  [HEAD.replace("name: a", `name: ${"a".repeat(254)}`), "metadata.name: must have at most 253"],
  [`${HEAD}spec: &a {b: *a}`, `spec${".b".repeat(64)}: must be nested at most 64 levels deep`],
  [`${HEAD}spec: {a: [0, 9007199254740993]}`, "spec.a[1]: must be a number that an IEEE 754 double holds"],
  [`${HEAD}spec: {a: 0.1234567890123456789}`, "spec.a: must be a number that"],
  [`${HEAD}spec: {a: 1e400}`, "spec.a: must be a number that"],
  [`${HEAD}spec: {a: ${"9".repeat(400)}}`, "spec.a: must be a number that"],
  [`${HEAD}spec: {a: 0xffffffffffffffff}`, "spec.a: must be a number that"],
  [`${HEAD}spec: {a: .inf}`, "spec.a: must be a finite number"],
  [`${HEAD}spec: {a: "x\\0"}`, "spec.a: must not hold U+0000"],
  [`${HEAD}spec: {"x\\0": 1}`, 'spec["x\\u0000"]: must not hold U+0000'],
  [`${HEAD}spec: {a: "\\ud800"}`, "spec.a: must not hold a lone surrogate"],
  [`${HEAD}spec: {a: {__proto__: {b: 1}}}`, "spec.a.__proto__: must have another name"],
];

test("a text that cannot be read, or is no JSON value, is refused with the place and the rule", async () => {
  for (const [text, expected] of REFUSED) {
    const [first = ""] = await faults(text);
    assert.ok(first.startsWith(expected), `${first} is not ${expected}`);
    assert.ok(first.length < 700 && !/[\0\n]/.test(first), first);
  }
});

test("a key that is an object is told without a place, since the parser knows none, and with what it may come from", async () => {
  const [told = ""] = await faults(`${HEAD}spec:\n  labels:\n    environment: {{ .Values.environment }}\n`);
  assert.match(told, /^content: must have strings as keys, .*template that was not rendered/);
  assert.doesNotMatch(told, /line/);
});

test("aliases count with all that they stand for", async () => {
  const tenfold = (depth: number, first: string) =>
    `${HEAD}spec:\n  a0: &a0 ${first}\n${Array.from({ length: depth }, (_, n) => `  a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`)}]\n`).join("")}`;
  assert.match((await faults(tenfold(9, "[x,x]")))[0] as string, /^spec: must have at most 200000 values/);
  assert.match(
    (await faults(tenfold(3, "x".repeat(50_000))))[0] as string,
    /^spec: must be at most 2097152 bytes as stored; its/,
  );
  const { content } = await readWorkflowContent(`${dump(workflowObject())}  note: &n {a: 1}\n  same: [*n, *n]\n`);
  assert.deepEqual(content.spec["same"], [{ a: 1 }, { a: 1 }]);
});

test("2 MiB are read, one byte more is not; more than that as stored is not either", async () => {
  const text = `${sample()}\n`;
  const alive = setInterval(() => {}, 1_000);
  assert.equal((await readWorkflowContent(text + "#".repeat(2 * 1024 * 1024 - text.length))).warnings.length, 0);
  clearInterval(alive);
  const over = text + "#".repeat(2 * 1024 * 1024 - text.length + 1);
  assert.deepEqual(await faults(over), ["content: must be at most 2097152 bytes; it has 2097153"]);
  // 7,000 numbers of 310 digits each.
  const grown = JSON.stringify(workflowObject({ note: Array(7_000).fill(1e308) }));
  assert.match((await faults(grown))[0] as string, /^spec: must be at most 2097152 bytes as stored; it has 2\d{6}$/);
});

test("numbers that YAML writes in its own ways keep their value", async () => {
  const numbers = ["+1", ".5", "5.", "-.5e1", "0x1F", "0o17", "1_0", "012", "-0", "1e3", "0.10"];
  const { content } = await readWorkflowContent(`${dump(workflowObject())}  note: [${numbers}]\n`);
  assert.deepEqual(content.spec["note"], [1, 0.5, 5, -5, 31, 15, "1_0", 12, 0, 1000, 0.1]);
});

test("JSON text is read as JSON.parse reads it", () => {
  const value = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" });
  const space = fc.constantFrom(undefined, 1, "\t", "\n", "\r\n \t");
  fc.assert(
    fc.property(value, space, (payload, indent) => {
      const text = JSON.stringify({ payload, apiVersion: "kubernaut.ai/v1alpha1", kind: "ActionType" }, null, indent);
      const object = objectOfKind(text, "ActionType", new Findings()) as { payload: unknown };
      assert.equal(JSON.stringify(object.payload), JSON.stringify((JSON.parse(text) as Loose)["payload"]));
    }),
    { numRuns: 500 },
  );
});

test("layout, comments, key order and JSON or YAML make no other content; any other value does", async () => {
  const hashOf = async (text: string) => (await readWorkflowContent(text)).content;
  const object = workflowObject();
  const first = await hashOf(sample());
  const spec = object["spec"] as Loose;
  const turned = { ...object, spec: Object.fromEntries(Object.entries(spec).reverse()) };
  for (const text of [
    JSON.stringify(object, null, "\t"),
    `# of the operators\nkind: ConfigMap\n---\n${dump(object)}\n# end\n`,
    dump(turned, { flowLevel: 2, indent: 4 }),
    JSON.stringify(turned),
    `\ufeff${dump(object).replaceAll("\n", "\r\n")}`,
  ]) {
    const other = await hashOf(text);
    assert.deepEqual(other, first);
    assert.equal(JSON.stringify(other.spec), JSON.stringify(first.spec));
  }
  assert.match(first.workflowId, /^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  for (const changed of [{ version: "1.2.4" }, { note: "" }, { parameters: [] }]) {
    const other = await hashOf(JSON.stringify(workflowObject(changed)));
    assert.notEqual(other.contentHash, first.contentHash);
    assert.notEqual(other.workflowId, first.workflowId);
  }
  const renamed = await hashOf(JSON.stringify({ ...object, metadata: { name: "other" } }));
  assert.equal(renamed.contentHash, first.contentHash);
  assert.notEqual(renamed.workflowId, first.workflowId);
});

test("ids and hashes never change", async () => {
  const { content } = await readWorkflowContent(sample());
  assert.equal(content.contentHash, "801aa1a1660266eec46c77f4d97766914a7bcaa20671380c7e98e65ff85cebc6");
  assert.equal(content.workflowId, "52f6c59e-d5f9-5fc5-b8a4-ed96bf7d4bea");
});

test("an action type", async () => {
  const read = await readActionTypeContent(dump(actionTypeObject({ note: 1 })));
  assert.deepEqual(read.content, {
    actionType: "RestartDeployment",
    description: { what: "Restarts a Deployment", whenToUse: "When its pods hang", preconditions: "It has replicas" },
  });
  assert.deepEqual(read.warnings, ["spec.note: not a field that is known; left out"]);
  assert.deepEqual(
    await faults(JSON.stringify(actionTypeObject({ name: "x-y", description: {} })), readActionTypeContent),
    [
      "spec.name: must be PascalCase: 1 to 100 letters and digits, a capital first",
      "spec.description.what: must be given",
      "spec.description.whenToUse: must be given",
    ],
  );
});

test("a description given by itself is checked under its own path", () => {
  assert.deepEqual(checkDescription({ what: "a", whenToUse: "b" }, "description"), []);
  assert.deepEqual(checkDescription({ what: "a" }, "description"), [
    { field: "description.whenToUse", description: "must be given" },
  ]);
});
