import { type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { LIMITS } from "../audit/event.ts";
import { invalid, type Violation } from "../fault.ts";
import { principalKey } from "../rpc/principal.ts";

/** Carries out one call. */
type Call<I extends DescMessage, O> = (request: MessageShape<I>, context: HandlerContext) => Promise<O>;

/**
 * The call, made only with a request whose strings PostgreSQL can hold, as far as they are its own fields.
 *
 * @throws Fault `invalid`.
 */
export function withFitTexts<I extends DescMessage, O>(schema: I, call: Call<I, O>): Call<I, O> {
  const names = schema.fields.filter((field) => field.fieldKind === "scalar" && field.scalar === ScalarType.STRING);
  return async (request, context) => {
    const texts = request as unknown as Readonly<Record<string, string>>;
    const violations = names.flatMap(({ name, localName }) => textFaults(name, texts[localName] ?? ""));
    if (violations.length > 0) throw invalid(violations);
    return call(request, context);
  };
}

function textFaults(field: string, text: string): Violation[] {
  if (text.includes("\0")) return [{ field, description: "must not hold U+0000" }];
  return text.isWellFormed() ? [] : [{ field, description: "must not hold a lone surrogate" }];
}

/** The authenticated caller. */
export function callerOf(context: HandlerContext): string {
  return context.values.get(principalKey).name;
}

/** Which page is asked for, with the size that it may really have. */
export function pageOf({ pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string }) {
  return { pageSize: Math.min(pageSize || LIMITS.defaultPageSize, LIMITS.pageSize), pageToken };
}
