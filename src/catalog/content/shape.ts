import { z } from "zod";
import { isRawObject, type RawObject } from "./documents.ts";
import type { Findings, Path } from "./findings.ts";

/** The value as a schema has it; undefined, with each rule that it breaks noted under `path`, where it does not fit. */
export function shaped<T>(schema: z.ZodType<T>, value: unknown, path: Path, findings: Findings): T | undefined {
  const result = schema.safeParse(value, { error: rule });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at = [...path, ...(issue.path as (string | number)[])];
    if (issue.code !== "unrecognized_keys") findings.must(at, issue.message);
    else for (const key of issue.keys) findings.must([...at, key], "must not be given: not a field that is known");
  }
  return undefined;
}

/** Warns of the members of an object that are not among those known; `fate` says what becomes of them. */
export function warnOfUnknown(
  value: unknown,
  known: readonly string[],
  path: Path,
  findings: Findings,
  fate = "kept and not used",
): void {
  if (!isRawObject(value)) return;
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) findings.warn([...path, key], `not a field that is known; ${fate}`);
  }
}

/** The object itself; undefined, with the rule noted, where it is none. */
export function objectAt(value: unknown, path: Path, findings: Findings): RawObject | undefined {
  if (isRawObject(value)) return value;
  findings.must(path, value === undefined ? "must be given" : "must be an object");
  return undefined;
}

/** The entries of a list, or a value that stands alone, each with its path; undefined where there are not 1 to 100. */
export function oneOrMany(
  value: unknown,
  path: Path,
  findings: Findings,
): { value: unknown; path: Path }[] | undefined {
  if (!Array.isArray(value)) {
    if (value !== undefined) return [{ value, path }];
    findings.must(path, "must be given");
  } else if (value.length >= 1 && value.length <= MOST_VALUES) {
    return value.map((item: unknown, index) => ({ value: item, path: [...path, index] }));
  } else findings.must(path, `must have 1 to ${MOST_VALUES} values; it has ${value.length}`);
  return undefined;
}

const MOST_VALUES = 100;

/** A string of `least` to `most` Unicode code points. */
export function text(least: number, most: number): z.ZodType<string> {
  const message = least === 0 ? `must have at most ${most} characters` : `must have ${least} to ${most} characters`;
  return z.string().refine((value) => hasCharacters(value, least, most), message);
}

function hasCharacters(value: string, least: number, most: number): boolean {
  if (value.length <= most) return value.length >= least;
  return value.length <= 2 * most && [...value].length <= most;
}

/** A DNS-1123 subdomain (RFC 1123; as Kubernetes names most objects) of at most 253 characters. */
export const DNS_NAME = z
  .string()
  .max(253, "must have at most 253 characters")
  .regex(
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    "must be a DNS-1123 subdomain: lower-case letters, digits, - and ., a letter or digit first and last",
  );

/** The name of an action type. */
export const ACTION_TYPE_NAME = z
  .string()
  .regex(/^[A-Z][A-Za-z0-9]{0,99}$/, "must be PascalCase: 1 to 100 letters and digits, a capital first");

const NAMES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function rule(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return "must be given";
  if (issue.code === "invalid_type") return `must be ${NAMES[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  return "must be of another form";
}
