import { CORE_SCHEMA, loadAll, YAMLException } from "js-yaml";
import type { Findings } from "./findings.ts";
import { exactFloatTag, exactIntTag } from "./numbers.ts";

/** Bounds on the text of an object. */
export const TEXT_LIMITS = {
  /** UTF-8 bytes. */
  bytes: 2 * 1024 * 1024,
  depth: 64,
  /** Aliases (`*name`) of one YAML document. */
  aliases: 100,
} as const;

/** An object of the text, its members not looked at yet. */
export type RawObject = { readonly [key: string]: unknown };

const API_VERSION = "kubernaut.ai/v1alpha1";
const SCHEMA = CORE_SCHEMA.withTags(exactIntTag, exactFloatTag);

/**
 * The one object of a kind among the documents of a YAML or JSON text; undefined with a violation of `content` where the
 * text cannot be read or does not hold exactly one. Numbers that lose their value stand as UnfitNumber; parts that aliases
 * share are shared, and may hold themselves.
 */
export function objectOfKind(text: string, kind: string, findings: Findings): RawObject | undefined {
  const documents = documentsOf(text, findings);
  if (documents === undefined) return undefined;
  const objects = documents.filter(isRawObject);
  const found = objects.filter((object) => object["kind"] === kind);
  const [object] = found;
  if (object === undefined) findings.must(["content"], `must hold an object of kind ${kind}; ${kindsOf(objects)}`);
  else if (found.length > 1) {
    findings.must(["content"], `must hold exactly one object of kind ${kind}; it holds ${found.length}`);
  } else if (object["apiVersion"] !== API_VERSION) {
    findings.must(
      ["content"],
      `must hold a ${kind} of apiVersion ${API_VERSION}; its apiVersion is ${told(object["apiVersion"])}`,
    );
  } else return object;
  return undefined;
}

/** Whether a value of the text is an object. */
export function isRawObject(value: unknown): value is RawObject {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function documentsOf(text: string, findings: Findings): unknown[] | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > TEXT_LIMITS.bytes) {
    findings.must(["content"], `must be at most ${TEXT_LIMITS.bytes} bytes; it has ${bytes}`);
    return undefined;
  }
  try {
    return loadAll(text, { schema: SCHEMA, maxDepth: TEXT_LIMITS.depth, maxAliases: TEXT_LIMITS.aliases });
  } catch (error) {
    // The parser throws a few other errors for odd texts, and asks that all be caught.
    findings.must(["content"], error instanceof YAMLException ? problem(error) : "must be YAML or JSON text");
    return undefined;
  }
}

/** Where the parser stopped and why, without its excerpt of the text. */
function problem({ reason, mark }: YAMLException): string {
  const rule = RULES.find(([start]) => reason.startsWith(start))?.[1] ?? `must be YAML or JSON text: ${shown(reason)}`;
  // The parser puts what it finds in a value that it has read already at the start of the text: that is no place to look.
  if (mark === undefined || mark.position === 0) return rule;
  return `${rule} (line ${mark.line + 1}, column ${mark.column + 1})`;
}

const RULES: readonly (readonly [string, string])[] = [
  ["nesting exceeded", `must be nested at most ${TEXT_LIMITS.depth} levels deep`],
  ["aliases exceeded", `must have at most ${TEXT_LIMITS.aliases} aliases`],
  ["duplicated mapping key", "must not have a key twice in one object"],
  [
    "object-based map does not support",
    "must have strings as keys, not objects or lists; {{ … }} of a template that was not rendered is read as an object",
  ],
  ["null byte", "must not hold U+0000"],
];

function kindsOf(objects: readonly RawObject[]): string {
  const kinds = new Set(objects.map((object) => object["kind"]).filter((kind) => typeof kind === "string"));
  const some = [...kinds].slice(0, 10).map(shown);
  if (some.length === 0) return "it holds none of any kind";
  return `it holds ${some.join(", ")}${kinds.size > some.length ? " and others" : ""}`;
}

function told(value: unknown): string {
  if (value === undefined) return "absent";
  return typeof value === "string" ? JSON.stringify(shown(value)) : "not a string";
}

const CHARACTERS_SHOWN = 100;

/** Text of the caller in a message: short, and fit to be sent. */
function shown(text: string): string {
  return (text.length > CHARACTERS_SHOWN ? `${text.slice(0, CHARACTERS_SHOWN)}…` : text)
    .replaceAll("\0", "")
    .toWellFormed();
}
