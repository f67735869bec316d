import type { Json, JsonObject } from "../../integrity/canonical.ts";
import { isRawObject, type RawObject, TEXT_LIMITS } from "./documents.ts";
import type { Findings } from "./findings.ts";
import { UnfitNumber } from "./numbers.ts";

/** Values of a spec, each alias counted with all that it stands for. */
const MAX_VALUES = 200_000;

/** A spec that is JSON, with the digits that jsonb adds because it writes exponents out: 1e308 takes 309. */
export interface JsonSpec {
  readonly value: JsonObject;
  readonly exponents: number;
}

/**
 * The spec of an object as a JSON value that shares nothing. Noted under `spec…`: numbers that would lose their value,
 * U+0000, lone surrogates and keys named `__proto__`; where there are any, the value only serves to look for other faults.
 * Undefined where it is no object, nested too deep, or too large with its aliases written out.
 */
export function jsonSpec(object: RawObject, findings: Findings): JsonSpec | undefined {
  const spec = object["spec"];
  if (!isRawObject(spec)) {
    findings.must(["spec"], spec === undefined ? "must be given" : "must be an object");
    return undefined;
  }
  const copy: Copy = { findings, path: ["spec"], values: 0, characters: 0, exponents: 0 };
  try {
    return { value: copyValue(spec, 1, copy) as JsonObject, exponents: copy.exponents };
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

interface Copy {
  readonly findings: Findings;
  readonly path: (string | number)[];
  values: number;
  /** UTF-16 code units of the strings: never more than the bytes that they take. */
  characters: number;
  exponents: number;
}

/** Ends the walk: what is left may be without end. */
class TooLarge extends Error {}

function copyValue(value: unknown, depth: number, copy: Copy): Json {
  if (++copy.values > MAX_VALUES) {
    copy.findings.must(
      ["spec"],
      `must have at most ${MAX_VALUES} values, each alias counted with all that it stands for`,
    );
    throw new TooLarge();
  }
  if (typeof value === "string") return copyString(value, copy);
  if (typeof value === "number") return copyNumber(value, copy);
  if (typeof value !== "object" || value === null) return value as Json;
  if (value instanceof UnfitNumber) {
    copy.findings.must(copy.path, value.rule);
    return 0;
  }
  if (depth > TEXT_LIMITS.depth) {
    copy.findings.must(copy.path, `must be nested at most ${TEXT_LIMITS.depth} levels deep`);
    throw new TooLarge();
  }
  return Array.isArray(value)
    ? value.map((item, index) => copyMember(index, item, depth, copy))
    : copyObject(value as RawObject, depth, copy);
}

function copyObject(object: RawObject, depth: number, copy: Copy): JsonObject {
  const members: Record<string, Json> = {};
  for (const key of Object.keys(object)) {
    const value = copyMember(key, object[key], depth, copy);
    if (key !== "__proto__") members[key] = value;
  }
  return members;
}

function copyMember(key: string | number, value: unknown, depth: number, copy: Copy): Json {
  copy.path.push(key);
  if (key === "__proto__") copy.findings.must(copy.path, "must have another name");
  else if (typeof key === "string") copyString(key, copy);
  const copied = copyValue(value, depth + 1, copy);
  copy.path.pop();
  return copied;
}

function copyString(text: string, copy: Copy): string {
  copy.characters += text.length;
  if (copy.characters > TEXT_LIMITS.bytes) {
    copy.findings.must(["spec"], `must be at most ${TEXT_LIMITS.bytes} bytes as stored; its strings alone take more`);
    throw new TooLarge();
  }
  if (text.includes("\0")) copy.findings.must(copy.path, "must not hold U+0000");
  else if (!text.isWellFormed()) copy.findings.must(copy.path, "must not hold a lone surrogate");
  return text;
}

function copyNumber(value: number, copy: Copy): number {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e21 || size < 1e-6)) copy.exponents += Math.ceil(Math.abs(Math.log10(size))) + 1;
  return value;
}
