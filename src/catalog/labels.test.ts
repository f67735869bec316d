import assert from "node:assert/strict";
import { test } from "node:test";
import { componentProblem, componentTokens, fittingComponentTokens } from "./labels.ts";

/** Whether a workflow that declares the one fits a context that has the other, as the stored tokens tell. */
function fits(declared: string, asked: string): boolean {
  const tokens = componentTokens(declared);
  return tokens.includes("*") || fittingComponentTokens(asked).some((token) => tokens.includes(token));
}

test("a bare kind fits every group and version, a full one itself, * everything", () => {
  for (const [declared, asked, expected] of [
    ["apps/v1/Deployment", "apps/v1/deployment", true],
    ["apps/v1/Deployment", "Deployment", true],
    ["Deployment", "apps/v1/Deployment", true],
    ["DEPLOYMENT", "deployment", true],
    ["v1/Node", "Node", true],
    ["*", "v1/Node", true],
    ["apps/v1/Deployment", "extensions/v1beta1/Deployment", false],
    ["v1/Node", "v1/Pod", false],
    ["Node", "Pod", false],
    ["apps/v1/Deployment", "StatefulSet", false],
  ] as const) {
    assert.equal(fits(declared, asked), expected, `${declared} and ${asked}`);
  }
});

test("a component is a kind, version/Kind, group/version/Kind or *", () => {
  for (const good of ["*", "Deployment", "v1/Node", "apps/v1/Deployment", "route.openshift.io/v1/Route", "pod"]) {
    assert.equal(componentProblem(good), undefined, good);
  }
  const long = "a".repeat(64);
  for (const bad of [
    "",
    "/",
    "v1/",
    "/Node",
    "a/b/c/D",
    "*/Node",
    "apps/*/Deployment",
    "De ployment",
    "1",
    long,
    `${long}/v1/A`,
  ]) {
    assert.match(componentProblem(bad) ?? "", /^must be a kind/, bad);
  }
});
