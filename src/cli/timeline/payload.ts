import type { Json, JsonObject } from "../../integrity/canonical.ts";

/** A look at a payload whose members may be absent or of another kind than expected: neither is an error here. */
export class Payload {
  readonly #value: JsonObject;

  constructor(value: Json | undefined) {
    this.#value = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  }

  /** A text that is not empty. */
  text(name: string): string | undefined {
    const value = this.#own(name);
    return typeof value === "string" && value !== "" ? value : undefined;
  }

  number(name: string): number | undefined {
    const value = this.#own(name);
    return typeof value === "number" ? value : undefined;
  }

  /** An object; empty where there is none. */
  object(name: string): Payload {
    return new Payload(this.#own(name));
  }

  /** The texts of an array. */
  texts(name: string): string[] {
    const value = this.#own(name);
    return Array.isArray(value) ? (value as Json[]).filter((one) => typeof one === "string") : [];
  }

  /** The first of the names that holds a text. */
  firstText(...names: readonly string[]): string | undefined {
    return names.map((name) => this.text(name)).find((text) => text !== undefined);
  }

  /** Members that are texts, as `name value` with commas between. */
  pairs(): string {
    return Object.entries(this.#value)
      .filter(([, value]) => typeof value === "string")
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
