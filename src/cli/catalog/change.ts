import type { Flags, Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";

/** The flags of every change that a person makes to something in the catalog. */
export const changeFlags = {
  reason: { value: "TEXT", help: "why, for the audit trail; always needed" },
  etag: { value: "ETAG", help: "refuse when it is not in the state any more that has this etag, as `get` prints it" },
} as const satisfies Flags;

/** @throws UsageError where no reason is given. */
export function readChange(given: Given): { readonly reason: string; readonly etag: string } {
  const reason = given.text("reason") ?? "";
  if (reason.trim() === "") throw new UsageError("--reason TEXT is missing: the audit trail says why");
  return { reason, etag: given.text("etag") ?? "" };
}

/** `actiontype RestartPod disabled`, or `… disabled already` where nothing was written. */
export function changeText(object: string, done: string, correlationId: string): string {
  return `${object} ${done}${correlationId === "" ? " already" : ""}`;
}
