import assert from "node:assert/strict";
import { test } from "node:test";
import { componentTokens, type StoredDetectedLabels } from "../labels.ts";
import type { Context } from "./context.ts";
import { type Contribution, judge, type Labelled, scoreOf } from "./match.ts";

const ANY = { severity: ["*"], component: ["*"], environment: ["*"], priority: ["*"] };

function context(fields: Partial<Context>): Context {
  return { labels: {}, detected: {}, custom: {}, remediationId: "", given: {}, ...fields };
}

function workflow(fields: Partial<Labelled>): Labelled {
  return { labels: ANY, detected_labels: {}, custom_labels: {}, ...fields };
}

test("severity, environment and priority match by value or by `*` on either side", () => {
  const cases: [asked: string, declared: string[], match: Contribution["match"]][] = [
    ["high", ["high"], "exact"],
    ["high", ["critical", "high"], "exact"],
    ["high", ["*", "high"], "exact"],
    ["high", ["*"], "wildcard"],
    ["*", ["high"], "wildcard"],
    ["*", ["*"], "wildcard"],
    ["high", ["critical"], "mismatch"],
    ["hig", ["high"], "mismatch"],
  ];
  for (const label of ["severity", "environment", "priority"] as const) {
    for (const [asked, declared, match] of cases) {
      const judged = judge(
        context({ labels: { [label]: asked } }),
        workflow({ labels: { ...ANY, [label]: declared } }),
      );
      const told = { label: `labels.${label}`, contextValues: [asked], workflowValues: declared, match, points: 0 };
      assert.deepEqual(judged.contributions, [told]);
      assert.equal(judged.excludedBy.length === 0, match !== "mismatch", `${asked} in ${declared}`);
      assert.equal(judged.points, 5000);
    }
  }
});

test("a bare kind fits any group and version, on either side; another group does not fit", () => {
  const cases: [asked: string, declared: string[], match: Contribution["match"]][] = [
    ["deployment", ["Deployment"], "exact"],
    ["deployment", ["apps/v1/Deployment"], "exact"],
    ["deployment", ["v1/Deployment", "Pod"], "exact"],
    ["apps/v1/deployment", ["apps/v1/Deployment"], "exact"],
    ["apps/v1/deployment", ["Deployment"], "exact"],
    ["apps/v1/deployment", ["*"], "wildcard"],
    ["*", ["Deployment"], "wildcard"],
    ["apps/v1/deployment", ["extensions/v1/Deployment"], "mismatch"],
    ["apps/v1/deployment", ["apps/v2/Deployment"], "mismatch"],
    ["v1/node", ["apps/v1/Node"], "mismatch"],
    ["deployment", ["apps/v1/DaemonSet"], "mismatch"],
  ];
  for (const [asked, declared, match] of cases) {
    const component = declared.flatMap(componentTokens);
    const judged = judge(context({ labels: { component: asked } }), workflow({ labels: { ...ANY, component } }));
    assert.equal(judged.contributions[0]?.match, match, `${asked} in ${declared}`);
    const workflowValues = declared.map((value) => value.toLowerCase());
    assert.deepEqual(judged.contributions[0]?.workflowValues, workflowValues, "as it was declared");
  }
});

test("a detected label adds, takes away or leaves out", () => {
  const cases: [asked: StoredDetectedLabels, declared: StoredDetectedLabels, Contribution["match"], points: number][] =
    [
      [{ gitOpsManaged: true }, { gitOpsManaged: true }, "exact", 100],
      [{ gitOpsManaged: false }, { gitOpsManaged: false }, "exact", 100],
      [{ gitOpsManaged: true }, { gitOpsManaged: false }, "mismatch", 0],
      [{ gitOpsManaged: true }, {}, "not_declared", -100],
      [{ gitOpsManaged: false }, {}, "not_declared", 0],
      [{ gitOpsTool: "flux" }, { gitOpsTool: "flux" }, "exact", 100],
      [{ gitOpsTool: "flux" }, { gitOpsTool: "*" }, "wildcard", 50],
      [{ gitOpsTool: "*" }, { gitOpsTool: "flux" }, "wildcard", 50],
      [{ gitOpsTool: "*" }, { gitOpsTool: "*" }, "wildcard", 50],
      [{ gitOpsTool: "flux" }, { gitOpsTool: "argocd" }, "mismatch", 0],
      [{ gitOpsTool: "flux" }, {}, "not_declared", -100],
      [{ gitOpsTool: "*" }, {}, "not_declared", 0],
      [{ pdbProtected: true }, { pdbProtected: true }, "exact", 50],
      [{ pdbProtected: true }, {}, "not_declared", 0],
      [{ serviceMesh: "istio" }, { serviceMesh: "istio" }, "exact", 50],
      [{ serviceMesh: "istio" }, { serviceMesh: "*" }, "wildcard", 25],
      [{ serviceMesh: "istio" }, {}, "not_declared", 0],
      [{ networkIsolated: true }, { networkIsolated: true }, "exact", 30],
      [{ helmManaged: true }, { helmManaged: true }, "exact", 20],
      [{ stateful: true }, { stateful: true }, "exact", 20],
      [{ hpaEnabled: false }, { hpaEnabled: false }, "exact", 20],
      [{ hpaEnabled: false }, { hpaEnabled: true }, "mismatch", 0],
    ];
  for (const [detected, declared, match, points] of cases) {
    const judged = judge(context({ detected }), workflow({ detected_labels: declared }));
    const [contribution] = judged.contributions;
    const what = `${JSON.stringify(detected)} for ${JSON.stringify(declared)}`;
    assert.deepEqual([contribution?.match, contribution?.points, judged.points], [match, points, 5000 + points], what);
    assert.equal(judged.excludedBy.length === 0, match !== "mismatch", what);
  }
});

test("a detected label that the context does not give says nothing", () => {
  const judged = judge(context({}), workflow({ detected_labels: { gitOpsManaged: true, gitOpsTool: "flux" } }));
  assert.deepEqual(judged, { contributions: [], excludedBy: [], points: 5000 });
});

test("a custom label adds for a common value, or half for `*`, and never leaves out", () => {
  const cases: [asked: string[], declared: string[] | undefined, Contribution["match"], points: number][] = [
    [["a"], ["a"], "exact", 150],
    [["a", "b"], ["c", "b"], "exact", 150],
    [["a", "*"], ["a"], "exact", 150],
    [["a"], ["a", "*"], "exact", 150],
    [["a"], ["*"], "wildcard", 75],
    [["*"], ["a"], "wildcard", 75],
    [["*"], ["*"], "wildcard", 75],
    [["a"], ["b"], "mismatch", 0],
    [["a"], undefined, "not_declared", 0],
    [["*"], undefined, "not_declared", 0],
  ];
  for (const [asked, declared, match, points] of cases) {
    const custom_labels = declared === undefined ? {} : { team: declared };
    const judged = judge(context({ custom: { team: asked } }), workflow({ custom_labels }));
    const told = { label: 'customLabels["team"]', contextValues: asked, workflowValues: declared ?? [], match, points };
    assert.deepEqual(judged.contributions, [told]);
    assert.deepEqual([judged.excludedBy, judged.points], [[], 5000 + points]);
  }
});

test("the case of a custom label's key counts, and a name that every object has is none that is declared", () => {
  const judged = judge(
    context({ custom: { Team: ["a"], constructor: ["a"] } }),
    workflow({ custom_labels: { team: ["a"] } }),
  );
  assert.deepEqual(
    judged.contributions.map(({ match }) => match),
    ["not_declared", "not_declared"],
  );
});

test("a score adds up every label, and is 1 at most", () => {
  const asked = context({
    labels: { severity: "critical", component: "deployment", environment: "production" },
    detected: { gitOpsManaged: true, gitOpsTool: "flux", pdbProtected: true, serviceMesh: "istio" },
    custom: { team: ["payments"], tier: ["gold"], region: ["eu"] },
  });
  const judged = judge(
    asked,
    workflow({
      detected_labels: { gitOpsManaged: true, gitOpsTool: "*", serviceMesh: "istio" },
      custom_labels: { team: ["payments"], tier: ["*"], region: ["us"] },
    }),
  );
  // 5 + 0.10 + 0.05 + 0.05 + 0.15 + 0.075 = 5.425
  assert.equal(judged.points, 5425);
  assert.equal(scoreOf(judged.points), 0.5425);
  const keys = Array.from({ length: 40 }, (_, index) => [`key${index}`, ["a"]]);
  const custom = Object.fromEntries(keys) as Record<string, string[]>;
  assert.equal(judge(context({ custom }), workflow({ custom_labels: custom })).points, 10_000);
});
