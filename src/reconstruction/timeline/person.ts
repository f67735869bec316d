import type { TimelineEvent } from "./event.ts";
import type { Payload } from "./payload.ts";

/** Kinds of actors that are people; any other is part of the platform. */
const PEOPLE = new Set(["user", "human", "person", "operator"]);
/** Events that tell of a person's act; some emitters name the person in the payload alone. */
const BY_PEOPLE =
  /^(webhook\.|notification\.message\.acknowledged$|workflowexecution\.block\.cleared$|orchestrator\.approval\.(approved|rejected)$)/;
const NAMES = ["decided_by", "modified_by", "cleared_by", "acknowledged_by", "cancelled_by"];

/** The person who did what an event tells; undefined where a service did. */
export function personOf({ type, actorType, actorId }: TimelineEvent, payload: Payload): string | undefined {
  const name = PEOPLE.has(actorType) ? actorId : BY_PEOPLE.test(type) ? payload.firstText(...NAMES) : undefined;
  // Kubernetes' own names of service accounts and components begin so.
  return name?.startsWith("system:") === true ? undefined : name;
}

/** Who did it, be it a service account. */
export function doerOf({ actorId }: TimelineEvent, payload: Payload): string {
  return payload.firstText(...NAMES) ?? actorId;
}
