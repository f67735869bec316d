import type { ConnectRouter } from "@connectrpc/connect";
import { CatalogService } from "../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { actionTypeCalls } from "./service_action_types.ts";
import { discoveryCalls } from "./service_discovery.ts";
import type { CatalogServiceParts } from "./service_parts.ts";
import { workflowCalls } from "./service_workflows.ts";

/** Registers kubernaut.catalog.v1.CatalogService. What each call promises stands in the proto. */
export function catalogRoutes(parts: CatalogServiceParts): (router: ConnectRouter) => void {
  return (router) =>
    router.service(CatalogService, { ...actionTypeCalls(parts), ...workflowCalls(parts), ...discoveryCalls(parts) });
}
