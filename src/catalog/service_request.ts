import { LIMITS } from "../audit/event.ts";
import { invalid } from "../fault.ts";

/** Which page is asked for, with the size that it may really have. */
export function pageOf({ pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string }) {
  return { pageSize: Math.min(pageSize || LIMITS.defaultPageSize, LIMITS.pageSize), pageToken };
}

/** Why a change is made. @throws Fault `invalid` where it is blank: the audit trail is to say why. */
export function reasonOf({ reason }: { readonly reason: string }): string {
  if (reason.trim() === "") throw invalid([{ field: "reason", description: "must not be blank" }]);
  return reason;
}
