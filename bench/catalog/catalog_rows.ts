import { createHash } from "node:crypto";
import {
  componentTokens,
  type StoredCustomLabels,
  type StoredDetectedLabels,
  type StoredLabels,
} from "../../src/catalog/labels.ts";
import type { Description } from "../../src/catalog/rows.ts";
import type { Json, JsonObject } from "../../src/integrity/canonical.ts";
import { Draw, falling } from "./draw.ts";

/** What is inserted of an action type. */
export interface ActionTypeInsert {
  readonly action_type: string;
  readonly description: Description;
  readonly status: "active";
  readonly created_at: string;
  readonly updated_at: string;
}

/** What is inserted of a workflow. */
export interface WorkflowInsert {
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly version: string;
  readonly is_latest_version: true;
  readonly action_type: string;
  readonly status: "active";
  readonly labels: StoredLabels;
  readonly custom_labels: StoredCustomLabels;
  readonly detected_labels: StoredDetectedLabels;
  readonly description: Description;
  readonly execution_bundle: string;
  readonly execution_bundle_digest: string;
  readonly content_hash: string;
  readonly schema_data: JsonObject;
  readonly created_at: string;
  readonly created_by: string;
  readonly updated_at: string;
  readonly updated_by: string;
}

const REGISTERED = { at: "2026-01-01T00:00:00Z", by: "bench" };

/** The action types, the one with the most workflows first. */
export const ACTION_TYPES: readonly string[] = ["Restart", "Scale", "Rollback", "Patch", "Migrate"].flatMap((act) =>
  ["Workload", "Node", "Volume", "Gateway", "Operator", "Policy", "Database", "Certificate"].map(
    (object) => `${act}${object}`,
  ),
);

/** Declared components, the commonest first. */
export const COMPONENTS: readonly string[] = [
  ...["apps/v1/Deployment", "v1/Node", "apps/v1/StatefulSet", "v1/ConfigMap", "v1/Pod", "v1/PersistentVolumeClaim"],
  ...["Deployment", "apps/v1/DaemonSet", "v1/Service", "batch/v1/Job", "batch/v1/CronJob", "v1/Secret", "v1/Namespace"],
  ...["autoscaling/v2/HorizontalPodAutoscaler", "policy/v1/PodDisruptionBudget", "networking.k8s.io/v1/NetworkPolicy"],
  ...["networking.k8s.io/v1/Ingress", "cert-manager.io/v1/Certificate", "apps/v1/ReplicaSet", "v1/ResourceQuota"],
  ...["v1/PersistentVolume", "storage.k8s.io/v1/StorageClass", "rbac.authorization.k8s.io/v1/RoleBinding"],
  ...["argoproj.io/v1alpha1/Application", "kustomize.toolkit.fluxcd.io/v1/Kustomization", "v1/ServiceAccount"],
  ...["gateway.networking.k8s.io/v1/HTTPRoute", "security.istio.io/v1/AuthorizationPolicy", "v1/Endpoints"],
  ...["operators.coreos.com/v1alpha1/Subscription", "postgresql.cnpg.io/v1/Cluster"],
];

const ENVIRONMENTS = [
  [55, ["production", "staging"]],
  [20, ["production"]],
  [8, ["staging"]],
  [5, ["development", "test"]],
  [1, ["edge"]],
  [11, ["*"]],
] as const;

const SEVERITIES = [
  [50, ["critical", "high"]],
  [15, ["critical"]],
  [15, ["critical", "high", "medium"]],
  [8, ["low", "info", "warning"]],
  [12, ["*"]],
] as const;

const PRIORITIES = [
  [40, ["*"]],
  [35, ["p0", "p1"]],
  [15, ["p1", "p2"]],
  [10, ["p2", "p3", "p4"]],
] as const;

const DETECTED: readonly (readonly [weight: number, labels: StoredDetectedLabels])[] = [
  [6, { gitOpsManaged: true, gitOpsTool: "argocd" }],
  [3, { gitOpsManaged: true, gitOpsTool: "flux" }],
  [3, { gitOpsManaged: true, gitOpsTool: "*" }],
  [3, { gitOpsManaged: false }],
  [3, { helmManaged: true }],
  [3, { stateful: true, pdbProtected: true }],
  [2, { hpaEnabled: true }],
  [2, { networkIsolated: true }],
  [1, { serviceMesh: "istio", networkIsolated: true }],
];

const CUSTOM: readonly (readonly [weight: number, labels: StoredCustomLabels])[] = [
  [4, { team: ["payments"] }],
  [3, { team: ["platform", "storage"] }],
  [3, { risk_tolerance: ["low"] }],
  [1, { risk_tolerance: ["high"], team: ["*"] }],
  [1, { remediation_strategy: ["rollback"] }],
];

/** Rows of action_type_taxonomy: the first `count` of ACTION_TYPES. */
export function actionTypeRows(count: number): ActionTypeInsert[] {
  return ACTION_TYPES.slice(0, count).map((action_type) => ({
    action_type,
    description: description(`${action_type} of the affected object`),
    status: "active",
    created_at: REGISTERED.at,
    updated_at: REGISTERED.at,
  }));
}

/**
 * A row of remediation_workflow_catalog: active, latest, its labels and its action type (one of the first `actionTypes`) in
 * the proportions of a large installation. The same for the same `index`, and no two share a name.
 */
export function workflowRow(index: number, actionTypes: number): WorkflowInsert {
  const draw = new Draw(index);
  const action_type = draw.of(falling(ACTION_TYPES.slice(0, actionTypes)));
  const declared = declaredLabels(draw);
  const digest = hash(`image ${index}`);
  const spec: JsonObject = {
    version: "1.0.0",
    description: description(`${action_type} number ${index}`),
    actionType: action_type,
    labels: declared,
    execution: {
      engine: "job",
      serviceAccountName: `workflow-${index}-runner`,
      bundle: `registry.example.com/workflows/w${index}@sha256:${digest}`,
    },
    parameters: parameters(draw),
  };
  const content_hash = hash(`content ${index}`);
  return {
    workflow_id: uuidOf(content_hash),
    workflow_name: `workflow-${index}`,
    version: "1.0.0",
    is_latest_version: true,
    action_type,
    status: "active",
    labels: { ...declared, component: [...new Set(declared.component.flatMap(componentTokens))] },
    custom_labels: draw.chance(1 / 5) ? draw.of(CUSTOM) : {},
    detected_labels: draw.chance(1 / 3) ? draw.of(DETECTED) : {},
    description: description(`${action_type} number ${index}`),
    execution_bundle: `registry.example.com/workflows/w${index}@sha256:${digest}`,
    execution_bundle_digest: `sha256:${digest}`,
    content_hash,
    schema_data: spec,
    created_at: REGISTERED.at,
    created_by: REGISTERED.by,
    updated_at: REGISTERED.at,
    updated_by: REGISTERED.by,
  };
}

function declaredLabels(draw: Draw) {
  const component = () => draw.of(falling(COMPONENTS));
  return {
    severity: [...draw.of<readonly string[]>(SEVERITIES)],
    component: draw.chance(0.05) ? ["*"] : draw.chance(0.3) ? [component(), component()] : [component()],
    environment: [...draw.of<readonly string[]>(ENVIRONMENTS)],
    priority: [...draw.of<readonly string[]>(PRIORITIES)],
  };
}

function description(what: string) {
  return {
    what,
    whenToUse: `When the alert names an object that ${what} can put right, and nothing else has been tried on it within the hour`,
    whenNotToUse: "When the object is being changed by a release, or its owner has asked for no automatic changes",
    preconditions: "The controllers of the object run, and its namespace is not being deleted",
  };
}

/** About a kilobyte, as registered workflows have it. */
function parameters(draw: Draw): Json[] {
  const names = [
    "TARGET_RESOURCE_NAMESPACE",
    "TARGET_RESOURCE_NAME",
    "TARGET_RESOURCE_KIND",
    "TIMEOUT_SECONDS",
    "DRY_RUN",
  ];
  return names.slice(0, 3 + Math.floor(draw.next() * 3)).map((name) => ({
    name,
    type: "string",
    required: draw.chance(0.7),
    description: `${name.toLowerCase().replaceAll("_", " ")}: what the run is told of it, such as ${hash(`${name} ${draw.next()}`)}`,
  }));
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In the form of version 5. */
function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
