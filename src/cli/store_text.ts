import { StoreState, type StoreStatus } from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Palette } from "./colour.ts";
import { printable } from "./text.ts";

const STORE_STATES: Readonly<Record<StoreState, string>> = {
  [StoreState.UNSPECIFIED]: "unknown",
  [StoreState.AVAILABLE]: "available",
  [StoreState.UNAVAILABLE]: "away",
  [StoreState.NOT_DURABLE]: "not durable, and therefore not used",
  [StoreState.NOT_CONFIGURED]: "none: what the database cannot take is refused",
};

export function storeText(status: StoreStatus | undefined, colours: Palette): string {
  const { state = StoreState.UNSPECIFIED, reason = "" } = status ?? {};
  const paint = state === StoreState.AVAILABLE ? colours.green : colours.red;
  return paint(STORE_STATES[state] ?? "unknown") + (reason === "" ? "" : ` (${printable(reason)})`);
}
