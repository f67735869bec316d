import type { Json, JsonObject } from "../canonical.ts";
import { Flaw, type Place } from "./flaw.ts";

/** What the value of a member must be. */
export interface MemberKind {
  readonly is: (value: unknown) => boolean;
  /** As in `must be …`. */
  readonly text: string;
  readonly optional?: true;
}

const HEX_32 = /^[0-9a-f]{32}$/;
const HEX_64 = /^[0-9a-f]{64}$/;

export const TEXT: MemberKind = {
  // A lone surrogate has no UTF-8: hashed, it would be taken for another character.
  is: (value) => typeof value === "string" && value.isWellFormed(),
  text: "a string",
};
export const FLAG: MemberKind = { is: (value) => typeof value === "boolean", text: "true or false" };
export const COUNT: MemberKind = {
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0),
  text: "a whole number of at least 0",
};
export const POSITION: MemberKind = {
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  text: "a whole number of at least 1",
};
export const HASH: MemberKind = {
  is: (value) => typeof value === "string" && HEX_64.test(value),
  text: "64 lower-case hex digits",
};
export const SALT: MemberKind = {
  is: (value) => typeof value === "string" && HEX_32.test(value),
  text: "32 lower-case hex digits",
};
export const OBJECT: MemberKind = {
  is: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  text: "an object",
};
export const LIST: MemberKind = { is: Array.isArray, text: "an array" };

export function optional(kind: MemberKind): MemberKind {
  return { ...kind, optional: true };
}

/** The members that an object may have, in any order. */
export type Members = ReadonlyMap<string, MemberKind>;

export function members(kinds: Readonly<Record<string, MemberKind>>): Members {
  return new Map(Object.entries(kinds));
}

/**
 * Holds an object against its members.
 *
 * @throws Flaw for a missing member, one of the wrong kind, and one that is not known: nothing would prove what it says.
 */
export function checkMembers(object: JsonObject, kinds: Members, place: Place): void {
  let met = 0;
  for (const name of Object.keys(object)) {
    const kind = kinds.get(name);
    if (kind === undefined)
      throw new Flaw(`the member ${JSON.stringify(name)} cannot stand here: nothing proves it`, place);
    if (!kind.is(object[name])) throw new Flaw(`${name} must be ${kind.text}`, place);
    met += 1;
  }
  if (met === kinds.size) return;
  for (const [name, kind] of kinds) {
    if (kind.optional !== true && !Object.hasOwn(object, name)) throw new Flaw(`${name} is missing`, place);
  }
}

/**
 * A text as a JSON object.
 *
 * @throws Flaw for anything else, and where an object in it names a member twice: one of the two would stand there unproven, and
 *   some programs show the first.
 */
export function parseObject(text: string, place: Place): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Flaw("is no JSON", place, { cause });
  }
  if (!OBJECT.is(value)) throw new Flaw("is no JSON object", place);
  if (namesIn(text) !== membersOf(value as JsonObject)) throw new Flaw("names a member twice", place);
  return value as JsonObject;
}

/** How many members a JSON text names: its strings that a colon follows. */
function namesIn(text: string): number {
  let names = 0;
  for (let open = text.indexOf('"'); open >= 0; ) {
    let end = text.indexOf('"', open + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    let next = end + 1;
    while (text.charCodeAt(next) <= SPACE) next += 1;
    if (text.charCodeAt(next) === COLON) names += 1;
    open = text.indexOf('"', next);
  }
  return names;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}

/** How many members an object has, with those of all objects in it. */
function membersOf(object: JsonObject): number {
  let members = 0;
  const within: object[] = [object];
  // A list in place of recursion: whoever writes the text says how deep it goes.
  for (const one of within) {
    const values = Object.values(one) as Json[];
    if (!Array.isArray(one)) members += values.length;
    for (const value of values) if (typeof value === "object" && value !== null) within.push(value);
  }
  return members;
}

const SPACE = 0x20;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
