import canonicalize from "canonicalize";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/**
 * The canonical text of a JSON value by RFC 8785 (JSON Canonicalization Scheme): keys sorted by UTF-16 code units, numbers
 * as ECMAScript writes them, no white space.
 *
 * @throws Error for what the scheme excludes: lone surrogates, NaN and the infinities.
 */
export function canonicalText(value: Json): string {
  const ordered = inOrder(value);
  return ordered === undefined ? (canonicalize(value) as string) : JSON.stringify(ordered);
}

/**
 * The value with the keys of every object in order, for the engine to write, which is faster than any program: the value
 * itself where they are in order already. Undefined where the engine would not write the canonical text.
 */
function inOrder(value: Json): Json | undefined {
  if (typeof value === "string") return value.isWellFormed() ? value : undefined;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object" || value === null) return value;
  return isArray(value) ? arrayInOrder(value) : objectInOrder(value);
}

function arrayInOrder(items: readonly Json[]): Json | undefined {
  let copy: Json[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const ordered = inOrder(items[index] as Json);
    if (ordered === undefined) return undefined;
    if (ordered !== items[index]) {
      copy ??= [...items];
      copy[index] = ordered;
    }
  }
  return copy ?? items;
}

function objectInOrder(members: JsonObject): Json | undefined {
  const keys = Object.keys(members);
  let inPlace = true;
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] as string;
    if (hasOwnPlace(key) || !key.isWellFormed()) return undefined;
    if (index > 0 && key < (keys[index - 1] as string)) inPlace = false;
  }
  if (!inPlace) keys.sort();
  const copy: Record<string, Json> = {};
  for (const key of keys) {
    const ordered = inOrder(members[key] as Json);
    if (ordered === undefined) return undefined;
    if (ordered !== members[key]) inPlace = false;
    copy[key] = ordered;
  }
  return inPlace ? members : copy;
}

/** Keys that an object keeps elsewhere than where they are put: array indices come first, `__proto__` is no member. */
function hasOwnPlace(key: string): boolean {
  const first = key.charCodeAt(0);
  return (first >= ZERO && first <= NINE) || key === "__proto__";
}

const ZERO = 0x30;
const NINE = 0x39;

/** Array.isArray knows nothing of arrays that are read only. */
const isArray = Array.isArray as (value: Json) => value is readonly Json[];
