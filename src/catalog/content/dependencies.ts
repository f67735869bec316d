import { isRawObject } from "./documents.ts";
import type { Findings, Path } from "./findings.ts";

/**
 * Checks dependsOn of a list of parameters: each names other parameters of the list, and they do not form a circle.
 * `names` are those of the list, undefined where one is wrong.
 */
export function checkDependencies(
  parameters: readonly unknown[],
  names: readonly (string | undefined)[],
  path: Path,
  findings: Findings,
): void {
  const needs = new Map<string, string[]>();
  parameters.forEach((parameter, index) => {
    const name = names[index];
    const needed = isRawObject(parameter)
      ? neededBy(name, parameter["dependsOn"], names, [...path, index], findings)
      : [];
    if (name !== undefined && !needs.has(name)) needs.set(name, needed);
  });
  const circle = circleIn(needs);
  if (circle === undefined) return;
  const index = names.indexOf(circle[0]);
  findings.must([...path, index, "dependsOn"], `must not form a circle: ${told(circle)}`);
}

function neededBy(
  name: string | undefined,
  value: unknown,
  names: readonly (string | undefined)[],
  path: Path,
  findings: Findings,
): string[] {
  if (value === undefined) return [];
  const listed = Array.isArray(value);
  const items: unknown[] = listed ? value : [value];
  return items.flatMap((item, index) => {
    const at = [...path, "dependsOn", ...(listed ? [index] : [])];
    if (typeof item !== "string") findings.must(at, "must be the name of a parameter");
    else if (item === name) findings.must(at, "must be the name of another parameter");
    else if (names.includes(item)) return [item];
    else findings.must(at, "must be the name of a parameter of this list");
    return [];
  });
}

/** The first circle, from the first parameter of it that the walk met. */
function circleIn(needs: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, way: readonly string[]): string[] | undefined => {
    const start = way.indexOf(name);
    if (start >= 0) return way.slice(start);
    if (done.has(name)) return undefined;
    for (const next of needs.get(name) ?? []) {
      const circle = walk(next, [...way, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of needs.keys()) {
    const circle = walk(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

function told(circle: readonly string[]): string {
  const shown = circle.length <= NAMES_SHOWN ? circle : [...circle.slice(0, NAMES_SHOWN), "…"];
  return [...shown, circle[0]].join(" → ");
}

const NAMES_SHOWN = 20;
