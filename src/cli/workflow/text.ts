import { toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Workflow, WorkflowParameter } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { descriptionFacts, doneText, type Fact, factLines, wrapped } from "../catalog/facts.ts";
import type { Palette } from "../colour.ts";
import { printable } from "../text.ts";
import { customText, detectedText, statusName } from "./workflows.ts";

/** A workflow for people. `columns`: those of the terminal. */
export function workflowText(workflow: Workflow, columns: number | undefined, colours: Palette): string {
  const { workflowName, version, isLatestVersion, status, labels, parameters } = workflow;
  const heading = [workflowName, version, statusName(status), isLatestVersion ? "(latest)" : ""].filter(isTold);
  const facts: Fact[] = [
    ["Workflow id", workflow.workflowId],
    ["Action type", workflow.actionType],
    ...descriptionFacts(workflow.description),
    ["Severity", labels?.severity.join(", ") ?? ""],
    ["Component", labels?.component.join(", ") ?? ""],
    ["Environment", labels?.environment.join(", ") ?? ""],
    ["Priority", labels?.priority.join(", ") ?? ""],
    ["Detected labels", detectedText(workflow.detectedLabels)],
    ["Custom labels", customText(workflow)],
    ...executionFacts(workflow),
    ["Content hash", workflow.contentHash],
    ["Registered", doneText(workflow.createdAt, workflow.createdBy)],
    ["Changed", doneText(workflow.updatedAt, workflow.updatedBy)],
    ["Reason", workflow.statusReason],
    ["Etag", workflow.etag],
  ];
  const lines = [colours.bold(printable(heading.join(" "))), ...factLines(facts, columns, colours)];
  if (parameters.length > 0) lines.push(colours.dim("Parameters"));
  for (const parameter of parameters) lines.push(...parameterLines(parameter, columns, colours));
  return `${lines.join("\n")}\n`;
}

function isTold(text: string): boolean {
  return text !== "";
}

function executionFacts({ execution }: Workflow): Fact[] {
  if (execution === undefined) return [];
  const { engine, bundle, bundleDigest, engineConfig, serviceAccountName } = execution;
  return [
    ["Engine", engine],
    ["Bundle", bundle],
    ["Bundle digest", bundle.endsWith(`@${bundleDigest}`) ? "" : bundleDigest],
    ["Engine settings", engineConfig === undefined ? "" : JSON.stringify(engineConfig)],
    ["Service account", serviceAccountName],
  ];
}

function parameterLines(parameter: WorkflowParameter, columns: number | undefined, colours: Palette): string[] {
  const { name, type, required, description } = parameter;
  const head = `  ${colours.cyan(printable(name))} ${printable(type)}${required ? ", required" : ""}`;
  const told = [description, parameterRules(parameter).filter(isTold).join("; ")].filter(isTold).map(printable);
  return [head, ...told.flatMap((text) => wrapped(text, columns, 6)).map((line) => `      ${line}`)];
}

function parameterRules(parameter: WorkflowParameter): string[] {
  const { enum: values, pattern, minimum, maximum, default: fallback, dependsOn } = parameter;
  return [
    values.length > 0 ? `one of ${values.map(valueText).join(", ")}` : "",
    pattern === "" ? "" : `matches ${pattern}`,
    minimum === undefined ? "" : `at least ${minimum}`,
    maximum === undefined ? "" : `at most ${maximum}`,
    fallback === undefined ? "" : `default ${valueText(fallback)}`,
    dependsOn.length > 0 ? `needs ${dependsOn.join(", ")}` : "",
  ];
}

function valueText(value: Value): string {
  return JSON.stringify(toJson(ValueSchema, value));
}
