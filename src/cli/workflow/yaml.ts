import { dump } from "js-yaml";
import type { Workflow } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { printable } from "../text.ts";

/** Members of objects at any depth in the order in which people write them; others follow by name. */
const MEMBERS = [
  ...["name", "version", "type", "required", "description", "actionType"],
  ...["what", "whenToUse", "whenNotToUse", "preconditions"],
  ...["labels", "detectedLabels", "customLabels", "severity", "environment", "component", "priority"],
  ...["execution", "engine", "bundle", "bundleDigest", "engineConfig", "serviceAccountName"],
];

/** The registered object as YAML. `forTerminal`: no character of it may do more than show. */
export function workflowYaml({ workflowName, schemaJson }: Workflow, forTerminal: boolean): string {
  const object = {
    apiVersion: "kubernaut.ai/v1alpha1",
    kind: "RemediationWorkflow",
    metadata: { name: workflowName },
    spec: ordered(JSON.parse(schemaJson)),
  };
  const text = dump(object, { lineWidth: -1, noRefs: true });
  return forTerminal ? text.split("\n").map(printable).join("\n") : text;
}

/** The same value with the members of its objects in the order above. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, ordered(member)]));
}

function rank(name: string): number {
  const place = MEMBERS.indexOf(name);
  return place < 0 ? MEMBERS.length : place;
}
