import { defineScalarTag, floatCoreTag, intCoreTag, NOT_RESOLVED, type ScalarTagDefinition } from "js-yaml";
import { isExact } from "../../audit/payload.ts";

/** Stands for a number of the text that cannot be taken as it is written. */
export class UnfitNumber {
  /** The rule it breaks, as `must …`. */
  readonly rule: string;

  constructor(rule: string) {
    this.rule = rule;
  }
}

/** YAML's integers, with an UnfitNumber for those that a double does not hold. */
export const exactIntTag = exact(intCoreTag);

/** YAML's other numbers, with an UnfitNumber for those that a double does not hold, `.inf` and `.nan`. */
export const exactFloatTag = exact(floatCoreTag);

function exact(tag: ScalarTagDefinition<number>): ScalarTagDefinition<number | UnfitNumber> {
  return defineScalarTag<number | UnfitNumber>(tag.tagName, {
    implicit: true,
    implicitFirstChars: tag.implicitFirstChars,
    identify: tag.identify,
    resolve: (source, isExplicit, tagName) => {
      const value = tag.resolve(source, isExplicit, tagName);
      if (typeof value === "number") return fitting(source, value);
      // The library takes a number that is too large for a string.
      return tag === floatCoreTag && DECIMAL.test(source) ? new UnfitNumber(INEXACT) : NOT_RESOLVED;
    },
  });
}

function fitting(source: string, value: number): number | UnfitNumber {
  if (!Number.isFinite(value)) return new UnfitNumber("must be a finite number");
  if (DECIMAL.test(source))
    return source.length <= MAX_LITERAL && isExact(asJson(source)) ? value : new UnfitNumber(INEXACT);
  return Number.isSafeInteger(value) ? value : new UnfitNumber(INEXACT);
}

/** A decimal number of YAML as JSON writes it: `+1` → `1`, `.5` → `0.5`, `5.` → `5`. */
function asJson(source: string): string {
  return source
    .replace(/^\+/, "")
    .replace(/^(-?)\./, "$10.")
    .replace(/\.(?=$|[eE])/, "");
}

const INEXACT = "must be a number that an IEEE 754 double holds without changing it; write it as a string";
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** The shortest exact form of a double has some 25 characters, the longest over a thousand; nobody writes either by hand. */
const MAX_LITERAL = 1_000;
