import { type JSONPath, type JSONVisitor, visit } from "jsonc-parser";
import type { Violation } from "../fault.ts";
import { canonicalText, type Json, type JsonObject } from "../integrity/canonical.ts";
import { LIMITS } from "./event.ts";

/** A payload that may be stored, or the rules it breaks. */
export type PayloadResult = { readonly text: string } | { readonly violations: readonly Violation[] };

/** The payload of an event that brought none. */
export const EMPTY_PAYLOAD: PayloadResult = { text: "{}" };

/**
 * Checks a payload given as JSON text.
 *
 * Refused: what is not a JSON object (RFC 8259), and what JSON allows but jsonb or a hash does not: U+0000, lone surrogates,
 * duplicate keys, numbers that change their value through a double; more than 10 levels; more than 256 KiB as stored.
 * `field` is the path under which violations are reported, followed by the path of the member.
 */
export function payloadFromText(json: string, field: string): PayloadResult {
  let value: Json;
  try {
    value = JSON.parse(json) as Json;
  } catch {
    return refuse(field, "must be JSON text (RFC 8259)");
  }
  if (!isObject(value)) return refuse(field, "must be a JSON object");
  // U+0000 and lone surrogates come into JSON text by escapes alone.
  const inspection = inspect(value, 1, newInspection(field, json.includes("\\u")));
  if (inspection.violations.length > 0) return inspection;
  // Text that the engine writes back unchanged has lost nothing: no key stood twice, no number changed. Other text may be as
  // good (white space, escapes, 1.0) and is looked at token by token.
  if (JSON.stringify(value) !== json) {
    const violations = lossyTokens(json, field);
    if (violations.length > 0) return { violations };
  }
  return storedText(value, inspection, field);
}

/** Checks a payload given as a value; the rules of payloadFromText that a value can break. */
export function payloadFromValue(value: JsonObject, field: string): PayloadResult {
  const inspection = inspect(value, 1, newInspection(field, true));
  return inspection.violations.length > 0 ? inspection : storedText(value, inspection, field);
}

function storedText(value: JsonObject, inspection: Inspection, field: string): PayloadResult {
  const text = canonicalText(value);
  const bytes = Buffer.byteLength(text) + inspection.exponents;
  if (bytes <= LIMITS.eventDataBytes) return { text };
  return refuse(field, `must be at most ${LIMITS.eventDataBytes} bytes as stored; it has ${bytes}`);
}

function refuse(field: string, description: string): PayloadResult {
  return { violations: [{ field, description }] };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

interface Inspection {
  readonly violations: Violation[];
  readonly path: (string | number)[];
  readonly checksStrings: boolean;
  /** Digits that jsonb adds because it writes exponents out: 1e308 takes 309. */
  exponents: number;
}

function newInspection(field: string, checksStrings: boolean): Inspection {
  return { violations: [], path: [field], checksStrings, exponents: 0 };
}

/** Walks a value; reports a member's first fault and goes no deeper than the limit. */
function inspect(value: Json, depth: number, state: Inspection): Inspection {
  if (typeof value === "string") checkString(value, state);
  else if (typeof value === "number") checkNumber(value, state);
  else if (typeof value === "object" && value !== null) {
    if (depth > LIMITS.eventDataDepth) {
      report(state, `must be nested at most ${LIMITS.eventDataDepth} levels deep`);
    } else if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) inspectMember(index, value[index] as Json, depth, state);
    } else {
      for (const key of Object.keys(value)) inspectMember(key, (value as JsonObject)[key] as Json, depth, state);
    }
  }
  return state;
}

function inspectMember(key: string | number, value: Json, depth: number, state: Inspection): void {
  state.path.push(key);
  if (typeof key === "string") checkString(key, state);
  inspect(value, depth + 1, state);
  state.path.pop();
}

function checkString(text: string, state: Inspection): void {
  if (!state.checksStrings) return;
  if (text.includes("\0")) report(state, "must not hold U+0000");
  else if (!text.isWellFormed()) report(state, "must not hold a lone surrogate");
}

function checkNumber(value: number, state: Inspection): void {
  if (!Number.isFinite(value)) report(state, "must be a finite number");
  else if (value !== 0 && (Math.abs(value) >= 1e21 || Math.abs(value) < 1e-6)) {
    state.exponents += Math.ceil(Math.abs(Math.log10(Math.abs(value)))) + 1;
  }
}

function report(state: Inspection, description: string): void {
  state.violations.push({ field: pathText(state.path), description });
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** Characters of a key, and of a path, that are shown: a key may be as long as its payload. */
const KEY_SHOWN = 64;
const PATH_SHOWN = 500;

/** `event_data.labels["a b"][3]`: members by name where that is plain, quoted where it is not; long names are cut. */
export function pathText(path: readonly (string | number)[]): string {
  let text = String(path[0]);
  for (const part of path.slice(1)) {
    if (typeof part === "number") text += `[${part}]`;
    else text += keyText(shortened(part, KEY_SHOWN));
  }
  return shortened(text, PATH_SHOWN);
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`.toWellFormed();
}

function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key.toWellFormed())}]`;
}

/** Duplicate keys and numbers that a double cannot hold, each with its path. The text is known to be valid JSON. */
function lossyTokens(json: string, field: string): Violation[] {
  const violations: Violation[] = [];
  const keys: Set<string>[] = [];
  const at = (path: JSONPath): string => pathText([field, ...path]);
  const visitor: JSONVisitor = {
    onObjectBegin: () => void keys.push(new Set()),
    onObjectEnd: () => void keys.pop(),
    onObjectProperty: (name, _offset, _length, _line, _column, path) => {
      const known = keys.at(-1) as Set<string>;
      if (known.has(name))
        violations.push({ field: at([...path(), name]), description: "must not stand twice in its object" });
      known.add(name);
    },
    onLiteralValue: (value, offset, length, _line, _column, path) => {
      if (typeof value !== "number" || isExact(json.slice(offset, offset + length))) return;
      violations.push({
        field: at(path()),
        description: "must be a number that an IEEE 754 double holds without changing it; send it as a string",
      });
    },
  };
  try {
    visit(json, visitor, { disallowComments: true });
  } catch (error) {
    // Only a value that a second member of its name hides can be nested so deep here.
    if (!(error instanceof RangeError)) throw error;
    violations.push({ field, description: `must be nested at most ${LIMITS.eventDataDepth} levels deep` });
  }
  return violations;
}

/** Whether a number keeps its value when it goes through a double and is written in its shortest form: 0.1 does, 2^53+1 does not. */
export function isExact(literal: string): boolean {
  const value = Number(literal);
  return Number.isFinite(value) && decimal(literal) === decimal(String(value));
}

/** A decimal number in one form: digits without zeros at either end, and the power of ten of the last of them. */
function decimal(literal: string): string {
  const [, sign, whole, fraction = "", exponent = "0"] = NUMBER.exec(literal) as RegExpExecArray;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
