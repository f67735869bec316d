import { canonicalText, type Json, type JsonObject } from "../../integrity/canonical.ts";

/** A place at which two specs differ. */
export interface SpecChange {
  /** Such as `spec.labels.severity`, `spec.parameters[NAME].default`, `spec.customLabels["a key"]`. */
  readonly path: string;
  /** Canonical JSON text of what is there, cut to 1,000 characters; empty: nothing. */
  readonly fromJson: string;
  readonly toJson: string;
}

/** Characters of a value that are told. */
const VALUE_CHARACTERS = 1000;

/**
 * Where two registered specs differ, in the order of the paths. Objects are compared member by member, lists whose items all
 * have a `name` of their own item by item, by that name, and other lists as one value. Where named items stand in another
 * order, the list as a whole differs too.
 */
export function compareSpecs(from: JsonObject, to: JsonObject): SpecChange[] {
  const changes: SpecChange[] = [];
  compare("spec", from, to, changes);
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** `undefined`: there is nothing. */
function compare(path: string, from: Json | undefined, to: Json | undefined, changes: SpecChange[]): void {
  if (isObject(from) && isObject(to)) {
    compareMembers(path, from, to, changes);
    return;
  }
  const named = isList(from) && isList(to) ? [byName(from), byName(to)] : [];
  if (named[0] && named[1]) {
    compareItems(path, named[0], named[1], changes);
    if (isInSameOrder(named[0], named[1])) return;
  }
  const [fromJson, toJson] = [textOf(from), textOf(to)];
  if (fromJson !== toJson) changes.push({ path, fromJson: cut(fromJson), toJson: cut(toJson) });
}

function compareMembers(path: string, from: JsonObject, to: JsonObject, changes: SpecChange[]): void {
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const place = PLAIN_KEY.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    compare(`${path}${place}`, own(from, key), own(to, key), changes);
  }
}

type NamedItems = ReadonlyMap<string, JsonObject>;

function compareItems(path: string, from: NamedItems, to: NamedItems, changes: SpecChange[]): void {
  for (const name of new Set([...from.keys(), ...to.keys()])) {
    const place = PLAIN_NAME.test(name) ? name : JSON.stringify(name);
    compare(`${path}[${place}]`, from.get(name), to.get(name), changes);
  }
}

/** Items of a list by their names; undefined unless each has one of its own. */
function byName(items: readonly Json[]): NamedItems | undefined {
  const named = new Map<string, JsonObject>();
  for (const item of items) {
    const name = isObject(item) ? own(item, "name") : undefined;
    if (typeof name !== "string" || named.has(name)) return undefined;
    named.set(name, item as JsonObject);
  }
  return named;
}

/** Whether the names that both have come in the same order. */
function isInSameOrder(from: NamedItems, to: NamedItems): boolean {
  const shared = [...from.keys()].filter((name) => to.has(name));
  const others = [...to.keys()].filter((name) => from.has(name));
  return shared.every((name, index) => others[index] === name);
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const PLAIN_NAME = /^[A-Za-z0-9_.-]+$/;

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Array.isArray knows nothing of arrays that are read only. */
const isList = Array.isArray as (value: Json | undefined) => value is readonly Json[];

/** What JSON calls a member: `constructor` and `__proto__` are none unless they were registered. */
function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function textOf(value: Json | undefined): string {
  return value === undefined ? "" : canonicalText(value);
}

function cut(text: string): string {
  if (text.length <= VALUE_CHARACTERS) return text;
  return [...text.slice(0, 2 * VALUE_CHARACTERS)].slice(0, VALUE_CHARACTERS).join("");
}
