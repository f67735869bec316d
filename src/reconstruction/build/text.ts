import { dump, YAML11_SCHEMA } from "js-yaml";
import type { JsonObject } from "../../integrity/canonical.ts";

/**
 * The object as YAML. Texts that YAML 1.1 takes for something else (times, `on`, `1_000`) are quoted too, for kubectl and others
 * read that version.
 */
export function yamlText(object: JsonObject): string {
  return dump(object, { schema: YAML11_SCHEMA, lineWidth: -1, noRefs: true });
}

/** The object as JSON, indented by two, with a line feed at its end. */
export function jsonText(object: JsonObject): string {
  return `${JSON.stringify(object, null, 2)}\n`;
}
