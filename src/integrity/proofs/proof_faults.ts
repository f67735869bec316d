import { Fault } from "../../fault.ts";
import { MissingHashesError } from "../merkle/proofs.ts";

/** There is no such event, or no such place in the log. */
export function eventNotFound(what: string): Fault {
  return new Fault("not_found", `there is no event ${what}`, {
    reason: "EVENT_NOT_FOUND",
    resource: { type: "kubernaut.audit.v1.AuditEvent", name: what },
  });
}

/** The event has no place in the log yet. */
export function notIndexed(eventId: string): Fault {
  const message = `the event ${eventId} is recorded and has no place in the log yet; try again in a second`;
  return new Fault("precondition", message, { reason: "NOT_COVERED" });
}

/** The event has a place in the log beyond the tree. */
export function notCovered(logIndex: number, treeSize: number): Fault {
  const message = `the tree of ${treeSize} entries does not hold place ${logIndex} of the log yet; try again in a second`;
  const metadata = { log_index: String(logIndex), tree_size: String(treeSize) };
  return new Fault("precondition", message, { reason: "NOT_COVERED", metadata });
}

/** Nothing was signed and published. */
export function noCheckpoint(): Fault {
  const message =
    "the log has no published checkpoint: nothing was signed under its origin yet, or there is no key to sign with";
  return new Fault("precondition", message, { reason: "NO_CHECKPOINT" });
}

/** The log has not come to a size. */
export function treeTooLarge(field: string, asked: bigint, size: number): Fault {
  const message = `${field} ${asked} is beyond the log, which holds ${size} entries`;
  return new Fault("out_of_range", message, { reason: "TREE_TOO_LARGE", metadata: { log_size: String(size) } });
}

/** What is stored does not lead to what was signed: nothing can be proved, and somebody has to look into it. */
export function contradicted(what: string): Fault {
  return new Fault("precondition", `${what}; VerifyChain and datastorage fsck tell more`, {
    reason: "LOG_CONTRADICTED",
  });
}

/** Makes a proof. @throws Fault `precondition` (LOG_CONTRADICTED) where the tree lacks what it must have; what `make` throws. */
export async function proving<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw error instanceof MissingHashesError ? contradicted(error.message) : error;
  }
}
