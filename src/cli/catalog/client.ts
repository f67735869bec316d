import type { Client } from "@connectrpc/connect";
import type { CatalogService } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";

export type CatalogClient = Client<typeof CatalogService>;

/** How long a call may take, in milliseconds, and what ends it before. */
export interface CallBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}
