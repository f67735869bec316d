import { create } from "@bufbuild/protobuf";
import { StoreState, type StoreStatus, StoreStatusSchema } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { StoresState } from "./service_parts.ts";

const QUEUE_STATES: Readonly<Record<StoresState["queue"]["state"], StoreState>> = {
  available: StoreState.AVAILABLE,
  away: StoreState.UNAVAILABLE,
  not_durable: StoreState.NOT_DURABLE,
  not_configured: StoreState.NOT_CONFIGURED,
};

/** The states of both stores as messages. */
export function toStoreStatuses({ database, queue }: StoresState): { database: StoreStatus; queue: StoreStatus } {
  return {
    database: create(StoreStatusSchema, {
      state: database.available ? StoreState.AVAILABLE : StoreState.UNAVAILABLE,
      reason: database.available ? "" : "it does not answer, or cannot be written now",
    }),
    queue: create(StoreStatusSchema, { state: QUEUE_STATES[queue.state], reason: queue.reason }),
  };
}
