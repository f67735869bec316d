import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import type { Violation } from "../fault.ts";
import { type QuickCheck, quickCheck } from "./quick_check.ts";

const patterns = new Map<string, RegExp>();

/**
 * Matches by the engine's own regular expressions, which are an order of magnitude faster than the RE2 in JavaScript that
 * the validator brings. The patterns are those of our proto files: simple, known, and the same in both.
 */
function matches(pattern: string, text: string): boolean {
  let expression = patterns.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(pattern, "u");
    patterns.set(pattern, expression);
  }
  return expression.test(text);
}

/** One for the process: rules are compiled once for each message type, when its first message is checked. */
const validator = createValidator({ regexMatch: matches });

/** By the message's type; undefined where there is none for its rules. */
const quickChecks = new Map<DescMessage, QuickCheck | undefined>();

function passesQuickCheck(schema: DescMessage, message: Message): boolean {
  if (!quickChecks.has(schema)) quickChecks.set(schema, quickCheck(schema));
  return quickChecks.get(schema)?.(message) ?? false;
}

/**
 * Checks a message against the protovalidate rules of its proto, and names every rule that it breaks by the path of the
 * field as the proto spells it (`events[3].event_type`). An empty answer: the message is valid. `prefix` goes before each
 * path, for a message that stands inside another (`events[3]`). A rule of the whole message has the prefix alone as its field.
 *
 * Throws where a rule itself cannot be compiled or evaluated, which is a defect of the proto.
 */
export function validateRequest<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  prefix = "",
): Violation[] {
  if (passesQuickCheck(schema, message)) return [];
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return [];
  if (result.kind === "error") throw result.error;
  return result.violations.map((violation) => {
    const path = pathToString(violation.field);
    const separator = prefix === "" || path === "" || path.startsWith("[") ? "" : ".";
    return { field: `${prefix}${separator}${path}`, description: violation.message };
  });
}
