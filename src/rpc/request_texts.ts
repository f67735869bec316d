import { type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { invalid, type Violation } from "../fault.ts";
import { principalKey } from "./principal.ts";

/** Carries out one call. */
type Call<I extends DescMessage, O> = (request: MessageShape<I>, context: HandlerContext) => Promise<O>;

/**
 * The call, made only with a request whose strings PostgreSQL can hold, as far as they are its own fields.
 *
 * @throws Fault `invalid`.
 */
export function withFitTexts<I extends DescMessage, O>(schema: I, call: Call<I, O>): Call<I, O> {
  return async (request, context) => {
    const violations = textFaults(schema, request);
    if (violations.length > 0) throw invalid(violations);
    return call(request, context);
  };
}

/** The string fields of a message that PostgreSQL cannot hold; `prefix` goes before their names. */
export function textFaults<I extends DescMessage>(schema: I, message: MessageShape<I>, prefix = ""): Violation[] {
  const texts = message as unknown as Readonly<Record<string, string>>;
  return schema.fields.flatMap(({ fieldKind, scalar, name, localName }) => {
    const isText = fieldKind === "scalar" && scalar === ScalarType.STRING;
    return isText ? textFault(`${prefix}${name}`, texts[localName] ?? "") : [];
  });
}

function textFault(field: string, text: string): Violation[] {
  if (text.includes("\0")) return [{ field, description: "must not hold U+0000" }];
  return text.isWellFormed() ? [] : [{ field, description: "must not hold a lone surrogate" }];
}

/** The authenticated caller. */
export function callerOf(context: HandlerContext): string {
  return context.values.get(principalKey).name;
}
