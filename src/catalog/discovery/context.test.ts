import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { DiscoveryContextSchema } from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { Fault } from "../../fault.ts";
import { toContext } from "./context.ts";

function read(fields: MessageInitShape<typeof DiscoveryContextSchema>) {
  return toContext(create(DiscoveryContextSchema, fields));
}

/** The fields and rules that a context breaks. */
function broken(fields: MessageInitShape<typeof DiscoveryContextSchema>): string[] {
  try {
    read(fields);
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== "invalid") throw error;
    return (error.details.violations ?? []).map(({ field, description }) => `${field}: ${description}`);
  }
  return [];
}

test("an absent context is that of any incident", () => {
  const empty = { labels: {}, detected: {}, custom: {}, remediationId: "", given: {} };
  assert.deepEqual(toContext(undefined), empty);
  assert.deepEqual(read({}), empty);
  assert.deepEqual(read({ detectedLabels: {} }), empty);
});

test("labels are compared in lower case and recorded as they were given", () => {
  const context = read({
    severity: "Critical",
    component: "apps/v1/Deployment",
    environment: "İSTANBUL",
    priority: "P0",
    detectedLabels: { gitOpsManaged: false, gitOpsTool: "ArgoCD", serviceMesh: "*" },
    customLabels: { Team: { values: ["Payments", "payments", "*"] } },
    remediationId: "rr-1",
  });
  assert.deepEqual(context, {
    labels: { severity: "critical", component: "apps/v1/deployment", environment: "i̇stanbul", priority: "p0" },
    detected: { gitOpsManaged: false, gitOpsTool: "argocd", serviceMesh: "*" },
    custom: { Team: ["payments", "*"] },
    remediationId: "rr-1",
    given: {
      severity: "Critical",
      component: "apps/v1/Deployment",
      environment: "İSTANBUL",
      priority: "P0",
      detected_labels: { gitOpsManaged: false, gitOpsTool: "ArgoCD", serviceMesh: "*" },
      custom_labels: { Team: ["Payments", "payments", "*"] },
    },
  });
});

test("a tool without a name is not given", () => {
  assert.deepEqual(read({ detectedLabels: { gitOpsManaged: false, gitOpsTool: "" } }).detected, {
    gitOpsManaged: false,
  });
});

test("values outside of the closed sets are refused by their paths", () => {
  const rules = broken({
    severity: "fatal",
    component: "apps/v1/",
    priority: "P9",
    detectedLabels: { gitOpsTool: "jenkins", serviceMesh: "linkerd2" },
  });
  assert.deepEqual(rules, [
    "context.severity: must be critical, high, medium, low, info, warning or *",
    "context.priority: must be P0, P1, P2, P3, P4 or *",
    "context.component: must be a kind (Deployment), version/Kind (v1/Node), group/version/Kind (apps/v1/Deployment) or *",
    "context.detected_labels.git_ops_tool: must be argocd, flux or *",
    "context.detected_labels.service_mesh: must be istio, linkerd or *",
  ]);
  const wildcards = { severity: "*", component: "*", environment: "*", priority: "*" };
  assert.deepEqual(broken({ ...wildcards, detectedLabels: { gitOpsTool: "*", serviceMesh: "*" } }), []);
});

test("what no database takes is refused wherever it stands", () => {
  const rules = broken({
    environment: "a\0",
    remediationId: "rr-\ud800",
    customLabels: { team: { values: ["good", "\0"] }, "a\0": { values: ["\udc00"] } },
  });
  assert.deepEqual(rules, [
    "context.environment: must not hold U+0000",
    "context.remediation_id: must not hold a lone surrogate",
    'context.custom_labels["team"].values[1]: must not hold U+0000',
    'context.custom_labels["a\\u0000"]: must not hold U+0000',
    'context.custom_labels["a\\u0000"].values[0]: must not hold a lone surrogate',
  ]);
});

test("twenty violations are told at most", () => {
  assert.equal(broken({ customLabels: { team: { values: new Array(100).fill("\0") } } }).length, 20);
});

test("custom labels that no event could hold are refused", () => {
  const labels = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, key) => [`k${key}`, { values: new Array(10).fill("v".repeat(253)) }]),
    );
  assert.deepEqual(broken({ customLabels: labels(50) }), []);
  assert.match(
    broken({ customLabels: labels(52) }).join(),
    /^context\.custom_labels: must take 131072 bytes as JSON at most/,
  );
});
