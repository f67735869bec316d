import type { Json, JsonObject } from "../../integrity/canonical.ts";
import type { ParsedEvent } from "../trace.ts";
import type { Told } from "./field_map.ts";

/** A value with its source; undefined where there is none: a null, an empty text. */
export function told(event: ParsedEvent, value: unknown, source: string): Told | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return { value: value as Json, event, source };
}

/** A field of a typed payload, under its name in the message. */
export function field<M extends object>(event: ParsedEvent, message: M, name: keyof M & string): Told | undefined {
  return told(event, message[name], `event_data.${snakeCase(name)}`);
}

/** A member of a payload, of any depth. */
export function member(event: ParsedEvent, ...path: readonly string[]): Told | undefined {
  let value: unknown = event.data;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return told(event, value, `event_data.${path.join(".")}`);
}

/** When the event happened, as Kubernetes writes times: to the second. */
export function happened(event: ParsedEvent): Told {
  return { value: `${event.timestamp.slice(0, 19)}Z`, event, source: "event_timestamp" };
}

/** A text told as it is. */
export function asText(from: Told | undefined): Told | undefined {
  return typeof from?.value === "string" ? from : undefined;
}

/** A time told as RFC 3339, to the second in UTC; undefined where it is none. */
export function asTime(from: Told | undefined): Told | undefined {
  if (typeof from?.value !== "string" || !TIME.test(from.value)) return undefined;
  const at = new Date(from.value);
  if (Number.isNaN(at.getTime())) return undefined;
  const text = at.toISOString();
  // A year of another length: the offset moved it out of 0 to 9999.
  return text.length === 24 ? { ...from, value: `${text.slice(0, 19)}Z` } : undefined;
}

const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** An object of texts: numbers and booleans are written out, anything else is left out. */
export function asTexts(from: Told | undefined): Told | undefined {
  if (typeof from?.value !== "object" || from.value === null) return undefined;
  const texts = Object.entries(from.value).filter(([, value]) =>
    ["string", "number", "boolean"].includes(typeof value),
  );
  return { ...from, value: Object.fromEntries(texts.map(([key, value]) => [key, String(value)])) };
}

/** The same source with another value. */
export function instead(from: Told | undefined, value: Json | undefined): Told | undefined {
  return from === undefined ? undefined : told(from.event, value, from.source);
}

/** A reference to an object, taken whole; the namespace is left out where it is not known. */
export function reference(
  apiVersion: string,
  kind: string,
  name: Told | undefined,
  namespace: string,
): Told | undefined {
  if (typeof name?.value !== "string") return undefined;
  return { ...name, value: { apiVersion, kind, name: name.value, ...(namespace === "" ? {} : { namespace }) } };
}

const names = new Map<string, string>();

function snakeCase(name: string): string {
  let snake = names.get(name);
  if (snake === undefined) {
    snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    names.set(name, snake);
  }
  return snake;
}
