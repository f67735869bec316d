import type { Json, JsonObject } from "../../integrity/canonical.ts";

/** Texts are cut to this many characters: a timeline is for people. */
const LONGEST_TEXT = 1000;
/** Members of arrays and objects that are looked at, where all of them are told. */
const MOST_TEXTS = 20;

/** A look at a payload whose members may be absent or of another kind than expected: neither is an error here. */
export class Payload {
  readonly #value: JsonObject;

  constructor(value: Json | undefined) {
    this.#value = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  }

  /** A text that is not empty, cut where it is long. */
  text(name: string): string | undefined {
    const value = this.#own(name);
    return typeof value === "string" && value !== "" ? cutTo(value, LONGEST_TEXT) : undefined;
  }

  /** A number. The database can hold one that is beyond a double: that is as good as none. */
  number(name: string): number | undefined {
    const value = this.#own(name);
    return Number.isFinite(value) ? (value as number) : undefined;
  }

  /** An object; empty where there is none. */
  object(name: string): Payload {
    return new Payload(this.#own(name));
  }

  /** The texts of an array, as far as a few of them say what there is to say. */
  texts(name: string): string[] {
    const value = this.#own(name);
    const texts = Array.isArray(value) ? (value as Json[]).filter((one) => typeof one === "string") : [];
    return texts.slice(0, MOST_TEXTS).map((text) => cutTo(text, LONGEST_TEXT));
  }

  /** The first of the names that holds a text. */
  firstText(...names: readonly string[]): string | undefined {
    return names.map((name) => this.text(name)).find((text) => text !== undefined);
  }

  /** Members that are texts, as `name value` with commas between. */
  pairs(): string {
    return Object.entries(this.#value)
      .filter(([, value]) => typeof value === "string")
      .slice(0, MOST_TEXTS)
      .map(([name, value]) => `${name} ${value as string}`)
      .join(", ");
  }

  #own(name: string): Json | undefined {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined;
  }
}

/** The parts that are there, with a text between. */
export function join(separator: string, ...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(separator);
}

/** Text of at most so many characters, the cut marked by `…`. */
export function cutTo(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half a surrogate pair is no text.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}
