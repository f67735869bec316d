import { randomUUIDv7 } from "node:crypto";
import type { OwnEvent } from "../audit/own_event.ts";
import type { ChainReport } from "./verify/verify_chain.ts";

/** The correlation id of another verification: the chain that it reads does not grow by it. */
export function newVerificationId(): string {
  return `verification-${randomUUIDv7()}`;
}

/** What the verification of a chain leaves. */
export function chainVerified(verificationId: string, correlationId: string, report: ChainReport): OwnEvent {
  const [first] = report.faults;
  return {
    type: "datastorage.chain.verified",
    outcome: report.intact ? "success" : "failure",
    correlationId: verificationId,
    resource: { type: "Chain", id: correlationId },
    data: {
      correlation_id: correlationId,
      intact: report.intact,
      events: report.events,
      fault_count: report.faultCount,
      ...(first !== undefined && { first_fault: { kind: first.kind, chain_position: first.position } }),
    },
  };
}
