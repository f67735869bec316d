import { invalid, type Violation } from "../../fault.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { StoredCustomLabels, StoredDetectedLabels, StoredLabels } from "../labels.ts";
import type { Description } from "../rows.ts";
import { readAside } from "./aside.ts";
import { checkedDescription } from "./description.ts";
import { Findings } from "./findings.ts";
import { PatternsAside } from "./pattern.ts";
import { type ContentKind, type Outcome, readObject } from "./reading.ts";

/** A registered ActionType object. */
export interface ActionTypeContent {
  /** spec.name. */
  readonly actionType: string;
  readonly description: Description;
}

/** A registered RemediationWorkflow object. */
export interface WorkflowContent {
  /** UUID (version 5) of name, version and content hash. */
  readonly workflowId: string;
  /** metadata.name. */
  readonly workflowName: string;
  /** Semantic version 2.0.0. */
  readonly version: string;
  readonly actionType: string;
  readonly description: Description;
  /** Normalised, as the next two. */
  readonly labels: StoredLabels;
  readonly detectedLabels: StoredDetectedLabels;
  readonly customLabels: StoredCustomLabels;
  readonly executionBundle: string;
  /** tekton, job: `sha256:` and 64 hex digits. ansible: the commit, 40 or 64 hex digits. In lower case. */
  readonly executionBundleDigest: string;
  readonly engineConfig?: JsonObject | undefined;
  /** SHA-256 of the RFC 8785 form of `spec`, 64 hex digits. */
  readonly contentHash: string;
  /** As registered, in canonical order. */
  readonly spec: JsonObject;
}

/** A content that breaks no rule, and up to 51 warnings: paths of fields that are not used. */
export interface Read<T> {
  readonly content: T;
  readonly warnings: string[];
}

/**
 * Reads an ActionType object (kubernaut.ai/v1alpha1) from YAML or JSON text of at most 2 MiB.
 *
 * @throws Fault `invalid` with the first 50 violations; paths such as `content` and `spec.description.what`.
 */
export function readActionTypeContent(text: string): Promise<Read<ActionTypeContent>> {
  return read("ActionType", text) as Promise<Read<ActionTypeContent>>;
}

/**
 * Reads a RemediationWorkflow object (kubernaut.ai/v1alpha1) from YAML or JSON text of at most 2 MiB.
 *
 * @throws Fault `invalid` with the first 50 violations; paths such as `content` and `spec.parameters[3].default`.
 */
export function readWorkflowContent(text: string): Promise<Read<WorkflowContent>> {
  return read("RemediationWorkflow", text) as Promise<Read<WorkflowContent>>;
}

/** The rules that a description breaks; fields that are not known are none. `path` is put before the fields' names. */
export function checkDescription(value: unknown, path: string): Violation[] {
  const findings = new Findings();
  checkedDescription(value, [path], findings);
  return findings.violations;
}

/** Up to this many UTF-16 code units are read in a few milliseconds, whatever they say: not worth a thread. */
const READ_HERE = 64 * 1024;

async function read(kind: ContentKind, text: string): Promise<Read<unknown>> {
  const outcome = readHere(kind, text) ?? (await readAside(kind, text));
  if ("violations" in outcome) throw invalid(outcome.violations);
  return outcome;
}

function readHere(kind: ContentKind, text: string): Outcome | undefined {
  if (text.length > READ_HERE) return undefined;
  try {
    return readObject(kind, text, { costlyPatterns: false });
  } catch (error) {
    if (error instanceof PatternsAside) return undefined;
    throw error;
  }
}
