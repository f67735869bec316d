import { parse } from "semver";
import { z } from "zod";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { WorkflowContent } from "./content.ts";
import { checkedCustomLabels, checkedDetectedLabels, checkedLabels } from "./declared_labels.ts";
import { checkedDescription, DESCRIPTION_FIELDS } from "./description.ts";
import { checkedExecution } from "./execution.ts";
import type { Findings } from "./findings.ts";
import { contentHash, storedSpec, workflowId } from "./identity.ts";
import { checkParameters } from "./parameters.ts";
import type { Patterns } from "./pattern.ts";
import { ACTION_TYPE_NAME, objectAt, shaped, warnOfUnknown } from "./shape.ts";
import type { JsonSpec } from "./values.ts";

const FIELDS = [
  "version",
  "description",
  "actionType",
  "labels",
  "detectedLabels",
  "customLabels",
  "execution",
  "dependencies",
  "parameters",
  "rollbackParameters",
];

/** Semantic Versioning 2.0.0, strictly: no leading `v` or `=`, no space, no leading zeros. The library takes 256 characters. */
const VERSION = z
  .string()
  .refine(
    (value) => /^[0-9]/.test(value) && !/\s/.test(value) && parse(value) !== null,
    "must be a semantic version (2.0.0) such as 1.2.3 of at most 256 characters",
  );

/**
 * The content of a RemediationWorkflow object named `name`; undefined, with what is wrong noted, where it breaks a rule.
 *
 * @throws PatternsAside
 */
export function readWorkflow(
  name: string | undefined,
  spec: JsonSpec,
  patterns: Patterns,
  findings: Findings,
): WorkflowContent | undefined {
  const { value } = spec;
  const at = (field: string) => ["spec", field];
  const version = shaped(VERSION, value["version"], at("version"), findings);
  const description = checkedDescription(value["description"], at("description"), findings);
  const actionType = shaped(ACTION_TYPE_NAME, value["actionType"], at("actionType"), findings);
  const labels = checkedLabels(value["labels"], at("labels"), findings);
  const detectedLabels = checkedDetectedLabels(value["detectedLabels"], at("detectedLabels"), findings);
  const customLabels = checkedCustomLabels(value["customLabels"], at("customLabels"), findings);
  const execution = checkedExecution(value["execution"], at("execution"), findings);
  if (value["dependencies"] !== undefined) objectAt(value["dependencies"], at("dependencies"), findings);
  checkParameters(value["parameters"], at("parameters"), patterns, findings);
  checkParameters(value["rollbackParameters"], at("rollbackParameters"), patterns, findings);
  warnOfUnknown(value, FIELDS, ["spec"], findings);
  warnOfUnknown(value["description"], DESCRIPTION_FIELDS, at("description"), findings);
  if (findings.violations.length > 0) return undefined;
  if (!name || !version || !description || !actionType || !labels || !execution) return undefined;
  const canonical = storedSpec(spec, findings);
  const hash = contentHash(canonical);
  return {
    workflowId: workflowId(name, version, hash),
    workflowName: name,
    version,
    actionType,
    description,
    labels,
    detectedLabels,
    customLabels,
    ...execution,
    contentHash: hash,
    spec: JSON.parse(canonical) as JsonObject,
  };
}
