import { dump } from "js-yaml";
import type { JsonObject } from "../../integrity/canonical.ts";

/**
 * The object as YAML. The library's schema for writing quotes what either version of YAML takes for something other than a
 * text (times, `on`, `1_000`, `0o17`): kubectl and others read version 1.1, newer readers 1.2.
 */
export function yamlText(object: JsonObject): string {
  return dump(object, { lineWidth: -1, noRefs: true });
}

/** The object as JSON, indented by two, with a line feed at its end. */
export function jsonText(object: JsonObject): string {
  return `${JSON.stringify(object, null, 2)}\n`;
}
