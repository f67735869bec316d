import { dump } from "js-yaml";
import type { Workflow } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { printable } from "../text.ts";

/** Members of the spec in the order in which people write them; others follow by name. */
const MEMBERS = ["version", "description", "actionType", "labels", "detectedLabels", "customLabels", "execution"];

/** The registered object as YAML. `forTerminal`: no character of it may do more than show. */
export function workflowYaml({ workflowName, schemaJson }: Workflow, forTerminal: boolean): string {
  const spec = JSON.parse(schemaJson) as Record<string, unknown>;
  const names = [...MEMBERS.filter((name) => Object.hasOwn(spec, name)), ...Object.keys(spec).filter(isOther)];
  const object = {
    apiVersion: "kubernaut.ai/v1alpha1",
    kind: "RemediationWorkflow",
    metadata: { name: workflowName },
    spec: Object.fromEntries(names.map((name) => [name, spec[name]])),
  };
  const text = dump(object, { lineWidth: -1, noRefs: true });
  return forTerminal ? text.split("\n").map(printable).join("\n") : text;
}

function isOther(name: string): boolean {
  return !MEMBERS.includes(name);
}
