// The parts of a registered spec as messages. A spec was checked when it was registered; what it may hold beside its own
// fields stays in the spec.
import { create, fromJson, type MessageInitShape } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CustomLabelValuesSchema,
  type DetectedLabels,
  DetectedLabelsSchema,
  type WorkflowExecution,
  WorkflowExecutionSchema,
  type WorkflowLabels,
  WorkflowLabelsSchema,
  type WorkflowParameter,
  WorkflowParameterSchema,
} from "../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import type { Json, JsonObject } from "../integrity/canonical.ts";
import type { StoredDetectedLabels } from "./labels.ts";

/** Labels as they were declared. */
export function toWorkflowLabels(declared: JsonObject): WorkflowLabels {
  return create(WorkflowLabelsSchema, {
    severity: textsOf(declared["severity"]),
    component: textsOf(declared["component"]),
    environment: textsOf(declared["environment"]),
    priority: textsOf(declared["priority"]),
  });
}

/** Detected labels as they are stored: a registered `"true"` is a boolean. */
export function toDetectedLabels(stored: JsonObject): DetectedLabels {
  return create(DetectedLabelsSchema, stored as StoredDetectedLabels as MessageInitShape<typeof DetectedLabelsSchema>);
}

/** Custom labels as they were declared. */
export function toCustomLabels(
  declared: JsonObject | null,
): Record<string, MessageInitShape<typeof CustomLabelValuesSchema>> {
  const labels = Object.entries(declared ?? {}).map(([key, value]) => [key, { values: textsOf(value) }] as const);
  return Object.fromEntries(labels);
}

/** spec.execution as it was declared, with the digest or commit of its bundle. */
export function toExecution(declared: JsonObject, bundleDigest: string): WorkflowExecution {
  const engineConfig = declared["engineConfig"];
  return create(WorkflowExecutionSchema, {
    engine: textOf(declared["engine"]),
    bundle: textOf(declared["bundle"]),
    bundleDigest,
    ...(isObject(engineConfig) && { engineConfig: engineConfig as never }),
    serviceAccountName: textOf(declared["serviceAccountName"]),
  });
}

/** spec.parameters. */
export function toParameters(declared: Json | undefined): WorkflowParameter[] {
  return listOf(declared).filter(isObject).map(toParameter);
}

function toParameter(declared: JsonObject): WorkflowParameter {
  const { default: value, minimum, maximum } = declared;
  return create(WorkflowParameterSchema, {
    name: textOf(declared["name"]),
    type: textOf(declared["type"]),
    required: declared["required"] === true,
    description: textOf(declared["description"]),
    enum: listOf(declared["enum"]).map(toValue),
    pattern: textOf(declared["pattern"]),
    ...(typeof minimum === "number" && { minimum }),
    ...(typeof maximum === "number" && { maximum }),
    ...(value !== undefined && { default: toValue(value) }),
    dependsOn: textsOf(declared["dependsOn"]),
  });
}

function toValue(value: Json): Value {
  return fromJson(ValueSchema, value as never);
}

/** One value or a list of them. */
function textsOf(value: Json | undefined): string[] {
  if (value === undefined || value === null) return [];
  return (isList(value) ? value : [value]).map(String);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Array.isArray knows nothing of arrays that are read only. */
const isList = Array.isArray as (value: Json | undefined) => value is readonly Json[];
