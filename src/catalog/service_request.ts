import { LIMITS } from "../audit/event.ts";

/** Which page is asked for, with the size that it may really have. */
export function pageOf({ pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string }) {
  return { pageSize: Math.min(pageSize || LIMITS.defaultPageSize, LIMITS.pageSize), pageToken };
}
