import type { Violation } from "../../fault.ts";
import { readActionType } from "./action_type.ts";
import type { Read } from "./content.ts";
import { objectOfKind } from "./documents.ts";
import { Findings } from "./findings.ts";
import { Patterns } from "./pattern.ts";
import { DNS_NAME, objectAt, shaped } from "./shape.ts";
import { jsonSpec } from "./values.ts";
import { readWorkflow } from "./workflow.ts";

/** The kinds of object that are registered. */
export type ContentKind = "ActionType" | "RemediationWorkflow";

/** What became of a text: a value that JSON text holds without loss. */
export type Outcome = Read<unknown> | { readonly violations: readonly Violation[] };

/**
 * Reads the one object of a kind in a YAML or JSON text. Whatever the text is, the outcome says what is wrong with it.
 *
 * @throws PatternsAside when `costlyPatterns` is false and the patterns in it could take long.
 */
export function readObject(kind: ContentKind, text: string, o: { costlyPatterns: boolean }): Outcome {
  const findings = new Findings();
  const content = contentOf(kind, text, new Patterns(o.costlyPatterns), findings);
  if (findings.violations.length > 0 || content === undefined) return { violations: findings.violations };
  return { content, warnings: findings.warnings };
}

function contentOf(kind: ContentKind, text: string, patterns: Patterns, findings: Findings): unknown {
  const object = objectOfKind(text, kind, findings);
  if (object === undefined) return undefined;
  const metadata = objectAt(object["metadata"], ["metadata"], findings);
  const name = metadata && shaped(DNS_NAME, metadata["name"], ["metadata", "name"], findings);
  const spec = jsonSpec(object, findings);
  if (spec === undefined) return undefined;
  if (kind === "ActionType") return readActionType(spec, findings);
  return readWorkflow(name, spec, patterns, findings);
}
