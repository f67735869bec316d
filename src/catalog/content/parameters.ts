import type { RE2JS } from "re2js";
import { z } from "zod";
import { canonicalText, type Json } from "../../integrity/canonical.ts";
import { checkDependencies } from "./dependencies.ts";
import type { RawObject } from "./documents.ts";
import type { Findings, Path } from "./findings.ts";
import type { Patterns } from "./pattern.ts";
import { objectAt, shaped, text, warnOfUnknown } from "./shape.ts";

/** Bounds on spec.parameters, and on spec.rollbackParameters. */
const LIMITS = { parameters: 200, bytes: 512 * 1024, enumValues: 100, patternCharacters: 1_000 };

/** Checks a list of parameters; what is wrong is noted under `path`. */
export function checkParameters(value: unknown, path: Path, patterns: Patterns, findings: Findings): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) findings.must(path, "must be a list");
  else if (value.length > LIMITS.parameters) {
    findings.must(path, `must have at most ${LIMITS.parameters} parameters; it has ${value.length}`);
  } else checkList(value, path, patterns, findings);
}

function checkList(list: readonly unknown[], path: Path, patterns: Patterns, findings: Findings): void {
  const names: (string | undefined)[] = [];
  list.forEach((item, index) => {
    const at = [...path, index];
    const parameter = objectAt(item, at, findings);
    names.push(parameter && checkedName(parameter["name"], names, [...at, "name"], findings));
    if (parameter !== undefined) checkParameter(parameter, at, patterns, findings);
  });
  checkDependencies(list, names, path, findings);
  // Canonical JSON is as long as any JSON without white space.
  const bytes = Buffer.byteLength(JSON.stringify(list));
  if (bytes > LIMITS.bytes) findings.must(path, `must be at most ${LIMITS.bytes} bytes as JSON; it has ${bytes}`);
}

function checkedName(value: unknown, before: readonly unknown[], path: Path, findings: Findings): string | undefined {
  const name = shaped(NAME, value, path, findings);
  if (name !== undefined && before.includes(name)) findings.must(path, "must be the name of one parameter alone");
  return name;
}

function checkParameter(parameter: RawObject, path: Path, patterns: Patterns, findings: Findings): void {
  warnOfUnknown(parameter, FIELDS, path, findings);
  const at = (field: string): Path => [...path, field];
  const field = <T>(name: string, schema: z.ZodType<T>): T | undefined =>
    parameter[name] === undefined ? undefined : shaped(schema, parameter[name], at(name), findings);
  const type = shaped(TYPE, parameter["type"], at("type"), findings);
  field("required", z.boolean());
  field("description", text(0, 4_000));
  const values = field("enum", ENUM);
  const minimum = field("minimum", z.number());
  const maximum = field("maximum", z.number());
  const pattern = compiled(field("pattern", text(0, LIMITS.patternCharacters)), at("pattern"), patterns, findings);
  if (type === undefined) return;
  checkFields(parameter, type, path, findings);
  values?.forEach((item, index) => {
    if (!fits(item, type)) findings.must([...path, "enum", index], `must be ${TYPES[type]}, as type says`);
  });
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    findings.must(at("maximum"), "must be at least minimum");
  }
  checkDefault(parameter["default"], { type, values, minimum, maximum, pattern, patterns }, at("default"), findings);
}

/** Fields that make sense with some types alone. */
function checkFields(parameter: RawObject, type: ParameterType, path: Path, findings: Findings): void {
  if (parameter["pattern"] !== undefined && type !== "string") {
    findings.must([...path, "pattern"], "must not be given unless type is string");
  }
  for (const bound of ["minimum", "maximum"]) {
    if (parameter[bound] !== undefined && type !== "integer" && type !== "number") {
      findings.must([...path, bound], "must not be given unless type is integer or number");
    }
  }
}

interface Rules {
  readonly type: ParameterType;
  readonly values: readonly unknown[] | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly pattern: RE2JS | undefined;
  readonly patterns: Patterns;
}

function checkDefault(value: unknown, rules: Rules, path: Path, findings: Findings): void {
  if (value === undefined) return;
  if (!fits(value, rules.type)) findings.must(path, `must be ${TYPES[rules.type]}, as type says`);
  else if (rules.values !== undefined && !isAmong(value, rules.values)) findings.must(path, "must be a value of enum");
  else if (typeof value === "number" && value < (rules.minimum ?? value))
    findings.must(path, "must be at least minimum");
  else if (typeof value === "number" && value > (rules.maximum ?? value))
    findings.must(path, "must be at most maximum");
  else if (typeof value === "string" && rules.pattern && !rules.patterns.matches(rules.pattern, value)) {
    findings.must(path, "must match pattern");
  }
}

function compiled(pattern: string | undefined, path: Path, patterns: Patterns, findings: Findings): RE2JS | undefined {
  if (pattern === undefined || !pattern.isWellFormed()) return undefined;
  const compiledPattern = patterns.compile(pattern);
  if (compiledPattern === undefined) findings.must(path, "must be a regular expression in RE2 syntax");
  return compiledPattern;
}

function isAmong(value: unknown, values: readonly unknown[]): boolean {
  const form = comparable(value);
  return values.some((other) => comparable(other) === form);
}

/** The canonical text; of a value that has none, as it holds a lone surrogate, one that is as good to compare. */
function comparable(value: unknown): string {
  try {
    return canonicalText(value as Json);
  } catch {
    return JSON.stringify(value);
  }
}

function fits(value: unknown, type: ParameterType): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

const TYPES = {
  string: "a string",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
} as const;
type ParameterType = keyof typeof TYPES;

const FIELDS = [
  "name",
  "type",
  "required",
  "description",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "default",
  "dependsOn",
];
const TYPE = z.enum(Object.keys(TYPES) as [ParameterType, ...ParameterType[]]);
const NAME = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,99}$/, "must be UPPER_SNAKE: 1 to 100 capitals, digits and _, a capital first");

const ENUM = z.array(z.unknown()).superRefine((values, context) => {
  if (values.length < 1 || values.length > LIMITS.enumValues) {
    context.addIssue({
      code: "custom",
      message: `must have 1 to ${LIMITS.enumValues} values; it has ${values.length}`,
    });
  } else if (new Set(values.map((value) => comparable(value))).size < values.length) {
    context.addIssue({ code: "custom", message: "must not have a value twice" });
  }
});
