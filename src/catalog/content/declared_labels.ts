import { z } from "zod";
import {
  componentProblem,
  componentTokens,
  DETECTED_LABELS,
  type DetectedLabel,
  MANDATORY_LABELS,
  type MandatoryLabel,
  PRIORITIES,
  SEVERITIES,
  type StoredCustomLabels,
  type StoredDetectedLabels,
  type StoredLabels,
} from "../labels.ts";
import type { Findings, Path } from "./findings.ts";
import { objectAt, oneOrMany, shaped, text } from "./shape.ts";

/** spec.labels, normalised. What is wrong is noted; the result only serves where nothing is. */
export function checkedLabels(value: unknown, path: Path, findings: Findings): StoredLabels | undefined {
  const labels = objectAt(value, path, findings);
  if (labels === undefined) return undefined;
  refuseOthers(labels, MANDATORY_LABELS, path, findings);
  const stored = MANDATORY_LABELS.map((label) => {
    const declared = declaredValues(labels[label], LABEL_VALUES[label], [...path, label], findings);
    return [label, unique(label === "component" ? declared.flatMap(componentTokens) : lowerCase(declared))];
  });
  return Object.fromEntries(stored) as StoredLabels;
}

/** spec.detectedLabels, normalised. */
export function checkedDetectedLabels(value: unknown, path: Path, findings: Findings): StoredDetectedLabels {
  if (value === undefined) return {};
  const labels = objectAt(value, path, findings) ?? {};
  const names = Object.keys(DETECTED_LABELS) as DetectedLabel[];
  refuseOthers(labels, names, path, findings);
  const stored: Partial<Record<DetectedLabel, boolean | string>> = {};
  for (const label of names) {
    if (labels[label] === undefined) continue;
    const declared = shaped<boolean | string>(DETECTED_VALUES[label], labels[label], [...path, label], findings);
    if (declared !== undefined) stored[label] = declared;
  }
  return stored;
}

/** spec.customLabels, normalised. */
export function checkedCustomLabels(value: unknown, path: Path, findings: Findings): StoredCustomLabels {
  if (value === undefined) return {};
  const labels = Object.entries(objectAt(value, path, findings) ?? {});
  if (labels.length > MOST_KEYS) {
    findings.must(path, `must have at most ${MOST_KEYS} labels; it has ${labels.length}`);
    return {};
  }
  const stored = labels.map(([key, declared]) => {
    const at = [...path, key];
    if (shaped(CUSTOM_TEXT, key, at, findings) === undefined) {
      findings.must(at, "must have a name of 1 to 253 characters");
    }
    return [key, unique(lowerCase(declaredValues(declared, CUSTOM_TEXT, at, findings)))];
  });
  return Object.fromEntries(stored) as StoredCustomLabels;
}

function declaredValues(value: unknown, schema: z.ZodType<string>, path: Path, findings: Findings): string[] {
  const declared = oneOrMany(value, path, findings) ?? [];
  return declared.flatMap((item) => shaped(schema, item.value, item.path, findings) ?? []);
}

function refuseOthers(labels: object, known: readonly string[], path: Path, findings: Findings): void {
  for (const key of Object.keys(labels)) {
    if (!known.includes(key)) findings.must([...path, key], `must not be given: the labels are ${known.join(", ")}`);
  }
}

function lowerCase(values: readonly string[]): string[] {
  return values.map((value) => value.toLowerCase());
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/** A string that is, without regard to case, one of a closed set or `*`; in lower case. */
function oneOf(values: readonly string[], shown = values): z.ZodType<string> {
  const known = [...values, "*"];
  return z
    .string()
    .transform((value) => value.toLowerCase())
    .refine((value) => known.includes(value), `must be one of ${shown.join(", ")} or *`);
}

const MOST_KEYS = 100;
const CUSTOM_TEXT = text(1, 253);

const LABEL_VALUES: Readonly<Record<MandatoryLabel, z.ZodType<string>>> = {
  severity: oneOf(SEVERITIES),
  component: z.string().superRefine((value, context) => {
    const message = componentProblem(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  }),
  environment: text(1, 63),
  priority: oneOf(
    PRIORITIES,
    PRIORITIES.map((value) => value.toUpperCase()),
  ),
};

/** Objects write booleans as strings, too. */
const BOOLEAN = z.unknown().transform((value, context) => {
  const said = typeof value === "string" ? value.toLowerCase() : value;
  if (said === true || said === "true") return true;
  if (said === false || said === "false") return false;
  context.addIssue({ code: "custom", message: "must be true or false" });
  return z.NEVER;
});

const DETECTED_VALUES = Object.fromEntries(
  Object.entries(DETECTED_LABELS).map(([label, values]) => [label, values === "boolean" ? BOOLEAN : oneOf(values)]),
) as Readonly<Record<DetectedLabel, z.ZodType<boolean | string>>>;
