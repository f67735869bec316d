import type { JsonObject } from "../canonical.ts";
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

export const TEXT: MemberKind = { is: (value) => typeof value === "string", text: "a string" };
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

/** A text as a JSON object. @throws Flaw for anything else. */
export function parseObject(text: string, place: Place): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Flaw("is no JSON", place, { cause });
  }
  if (!OBJECT.is(value)) throw new Flaw("is no JSON object", place);
  return value as JsonObject;
}
