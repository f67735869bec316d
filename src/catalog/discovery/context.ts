import type { DiscoveryContext } from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import type { DetectedLabels } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { invalid, type Violation } from "../../fault.ts";
import { canonicalText, type Json, type JsonObject } from "../../integrity/canonical.ts";
import {
  componentProblem,
  DETECTED_LABELS,
  type DetectedLabel,
  MANDATORY_LABELS,
  type MandatoryLabel,
  PRIORITIES,
  SEVERITIES,
  type StoredCustomLabels,
  type StoredDetectedLabels,
} from "../labels.ts";

/** An incident as far as it decides which workflows fit, in the form in which workflows are stored: in lower case. */
export interface Context {
  /** The mandatory labels that are given; `*` filters nothing. */
  readonly labels: Readonly<Partial<Record<MandatoryLabel, string>>>;
  /** The detected labels that are given; a tool may be `*`. */
  readonly detected: StoredDetectedLabels;
  /** `*` among the values stands for any. */
  readonly custom: StoredCustomLabels;
  /** Empty: none was given. */
  readonly remediationId: string;
  /** The labels as they were given, for the record. */
  readonly given: JsonObject;
}

/** Bytes of the custom labels as JSON, at most: they go into the event that the call leaves. */
const CUSTOM_LABELS_BYTES = 128 * 1024;
/** Violations that are told at most: 10,000 values may break rules at once. */
const VIOLATIONS_TOLD = 20;

/**
 * Reads the context of a request that keeps the rules of its proto; an absent one is that of any incident.
 *
 * @throws Fault `invalid` with the paths of all other rules that it breaks, such as `context.custom_labels["team"].values[0]`.
 */
export function toContext(message: DiscoveryContext | undefined): Context {
  if (message === undefined) return { labels: {}, detected: {}, custom: {}, remediationId: "", given: {} };
  const custom = Object.entries(message.customLabels).map(([key, { values }]) => [key, values] as const);
  const detected = detectedOf(message.detectedLabels);
  const textProblems = [...textsOf(message, custom)].flatMap(checkText);
  const violations = [...textProblems, ...checkValues(message, detected)];
  if (textProblems.length === 0) violations.push(...checkSize(custom));
  if (violations.length > 0) throw invalid(violations.slice(0, VIOLATIONS_TOLD));
  const labels = MANDATORY_LABELS.filter((label) => message[label] !== "").map(
    (label) => [label, message[label]] as const,
  );
  return {
    labels: Object.fromEntries(labels.map(([label, value]) => [label, value.toLowerCase()])),
    detected: Object.fromEntries(detected.map(([label, value]) => [label, lowerCase(value)])),
    custom: Object.fromEntries(custom.map(([key, values]) => [key, [...new Set(values.map(lowerCase))]])),
    remediationId: message.remediationId,
    given: {
      ...Object.fromEntries(labels),
      ...(detected.length > 0 && { detected_labels: Object.fromEntries(detected) }),
      ...(custom.length > 0 && { custom_labels: Object.fromEntries(custom) }),
    },
  };
}

type Detected = readonly (readonly [DetectedLabel, boolean | string])[];
type Custom = readonly (readonly [string, readonly string[]])[];

/** A tool without a name says as little as an absent one. */
function detectedOf(message: DetectedLabels | undefined): Detected {
  return (Object.keys(DETECTED_LABELS) as DetectedLabel[]).flatMap((label) => {
    const value = message?.[label];
    return value === undefined || value === "" ? [] : [[label, value] as const];
  });
}

function lowerCase<T extends boolean | string>(value: T): T {
  return (typeof value === "string" ? value.toLowerCase() : value) as T;
}

interface Text {
  readonly field: string;
  readonly text: string;
}

function* textsOf(message: DiscoveryContext, custom: Custom): Generator<Text> {
  for (const label of MANDATORY_LABELS) yield { field: `context.${label}`, text: message[label] };
  yield { field: "context.remediation_id", text: message.remediationId };
  for (const [key, values] of custom) {
    const field = `context.custom_labels[${JSON.stringify(key)}]`;
    yield { field, text: key };
    for (const [index, text] of values.entries()) yield { field: `${field}.values[${index}]`, text };
  }
}

/** What the wire allows in a string and PostgreSQL does not. */
function checkText({ field, text }: Text): Violation[] {
  if (text.includes("\0")) return [{ field, description: "must not hold U+0000" }];
  return text.isWellFormed() ? [] : [{ field, description: "must not hold a lone surrogate" }];
}

function checkValues(message: DiscoveryContext, detected: Detected): Violation[] {
  const violations: Violation[] = [];
  const fault = (field: string, description: string) => violations.push({ field: `context.${field}`, description });
  const { severity, component, priority } = message;
  if (severity !== "" && !isOneOf(severity, SEVERITIES)) fault("severity", oneOf(SEVERITIES));
  if (priority !== "" && !isOneOf(priority, PRIORITIES)) fault("priority", "must be P0, P1, P2, P3, P4 or *");
  const problem = component === "" ? undefined : componentProblem(component);
  if (problem !== undefined) fault("component", problem);
  for (const [label, value] of detected) {
    const tools = DETECTED_LABELS[label];
    if (tools === "boolean" || isOneOf(String(value), tools)) continue;
    fault(`detected_labels.${snakeCase(label)}`, oneOf(tools));
  }
  return violations;
}

function isOneOf(value: string, values: readonly string[]): boolean {
  return value === "*" || values.includes(value.toLowerCase());
}

function oneOf(values: readonly string[]): string {
  return `must be ${values.join(", ")} or *`;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function checkSize(custom: Custom): Violation[] {
  const bytes = Buffer.byteLength(canonicalText(Object.fromEntries(custom) as Json));
  if (bytes <= CUSTOM_LABELS_BYTES) return [];
  const description = `must take ${CUSTOM_LABELS_BYTES} bytes as JSON at most, and takes ${bytes}`;
  return [{ field: "context.custom_labels", description }];
}
