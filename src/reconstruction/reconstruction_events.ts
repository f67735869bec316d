import { randomUUIDv7 } from "node:crypto";
import type { OwnEvent } from "../audit/own_event.ts";
import type { Fault } from "../fault.ts";
import type { JsonObject } from "../integrity/canonical.ts";
import type { Question } from "./reconstruct.ts";
import type { AsOf, Reconstructed } from "./trace.ts";

/** What was to be rebuilt, under which correlation id that is recorded. */
export interface Attempt {
  readonly correlationId: string;
  readonly kind: string;
  readonly question: Question;
}

/** Missing fields that an event names. */
const PATHS_NAMED = 100;
const MESSAGE_LENGTH = 1000;

/** Begins a reconstruction, under a correlation id of its own: the chain that it reads does not grow by it. */
export function newAttempt(kind: string, question: Question): Attempt {
  return { correlationId: `reconstruction-${randomUUIDv7()}`, kind, question };
}

/** What a reconstruction leaves. */
export function reconstructed(attempt: Attempt, rebuilt: Reconstructed): OwnEvent {
  const { name, namespace = "" } = rebuilt.object["metadata"] as { name: string; namespace?: string };
  return completed(attempt, "success", name, {
    namespace,
    completeness: rebuilt.completeness,
    missing: rebuilt.missing.slice(0, PATHS_NAMED).map(({ path }) => path),
    missing_count: rebuilt.missing.length,
    events_read: rebuilt.eventsRead,
    events_used: rebuilt.eventsUsed,
    chain_verified: rebuilt.chain.verified,
  });
}

/** What one leaves that the events do not allow. */
export function notReconstructed(attempt: Attempt, { message, details }: Fault): OwnEvent {
  const { namespace = "", correlationId } = attempt.question;
  return completed(attempt, "failure", correlationId, {
    namespace,
    reason: details.reason,
    message: message.slice(0, MESSAGE_LENGTH).toWellFormed(),
  });
}

function completed(
  { correlationId, kind, question }: Attempt,
  outcome: "success" | "failure",
  name: string,
  data: JsonObject,
): OwnEvent {
  return {
    type: "datastorage.reconstruction.completed",
    outcome,
    correlationId,
    resource: { type: kind, id: name },
    data: {
      correlation_id: question.correlationId,
      kind,
      ...(question.asOf !== undefined && { as_of: momentText(question.asOf) }),
      ...data,
    },
  };
}

/** The moment in words. */
function momentText(asOf: AsOf): string {
  return "time" in asOf ? asOf.time : `chain position ${asOf.position}`;
}
