import { toJson } from "@bufbuild/protobuf";
import {
  type DetectedLabels,
  type Workflow,
  WorkflowSchema,
  WorkflowStatus,
} from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import type { Palette } from "../colour.ts";

export const WORKFLOW_STATUSES = {
  active: WorkflowStatus.ACTIVE,
  disabled: WorkflowStatus.DISABLED,
  deprecated: WorkflowStatus.DEPRECATED,
  archived: WorkflowStatus.ARCHIVED,
  superseded: WorkflowStatus.SUPERSEDED,
} as const;

/** The word for a state; empty for one that is newer than this program. */
export function statusName(status: WorkflowStatus): string {
  return Object.entries(WORKFLOW_STATUSES).find(([, value]) => value === status)?.[0] ?? "";
}

export function statusColour({ status }: Workflow, { green, yellow, dim }: Palette): (text: string) => string {
  if (status === WorkflowStatus.ACTIVE) return green;
  return status === WorkflowStatus.DISABLED ? yellow : dim;
}

/** A workflow as one line of JSON: ProtoJSON with the names of the contract. */
export function workflowJson(workflow: Workflow): string {
  return JSON.stringify(toJson(WorkflowSchema, workflow, { useProtoFieldName: true }));
}

/** How commands name one version: `workflow crashloop-rollback-v1 1.5.3`. */
export function workflowTitle(workflow: Workflow | undefined): string {
  return `workflow ${workflow?.workflowName ?? ""} ${workflow?.version ?? ""}`;
}

/** The detected labels by the names that registered objects have for them. */
export const DETECTED_LABELS = {
  gitOpsManaged: "boolean",
  gitOpsTool: "tool",
  pdbProtected: "boolean",
  hpaEnabled: "boolean",
  stateful: "boolean",
  helmManaged: "boolean",
  networkIsolated: "boolean",
  serviceMesh: "tool",
} as const satisfies Readonly<Record<Exclude<keyof DetectedLabels, `$${string}`>, "boolean" | "tool">>;

export type DetectedLabel = keyof typeof DETECTED_LABELS;

/** `gitOpsManaged=true, gitOpsTool=argocd`. */
export function detectedText(labels: DetectedLabels | undefined): string {
  const names = Object.keys(DETECTED_LABELS) as DetectedLabel[];
  return names.flatMap((name) => (labels?.[name] === undefined ? [] : [`${name}=${labels[name]}`])).join(", ");
}

/** `cost=low|medium, team=payments`. */
export function customText({ customLabels }: Workflow): string {
  return Object.entries(customLabels)
    .map(([key, { values }]) => `${key}=${values.join("|")}`)
    .sort()
    .join(", ");
}
