import type { ConnectRouter } from "@connectrpc/connect";
import type { IntegrityParts } from "./service_parts.ts";

/** Registers kubernaut.audit.v1.IntegrityService. What each call promises stands in the proto. */
export function integrityRoutes(parts: IntegrityParts): (router: ConnectRouter) => void {
  throw new Error(`not yet: ${typeof parts}`);
}
