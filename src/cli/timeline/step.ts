import type { AuditEvent } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { eventMicros, OUTCOME_NAMES, payloadOf } from "../events.ts";
import { detailOf } from "./detail.ts";
import { type Facts, factsOf } from "./facts.ts";
import { join, Payload } from "./payload.ts";

/** Why something failed, as far as the event says. */
export interface FailureText {
  readonly code: string;
  readonly message: string;
}

/** A change of phase of something that has phases. */
export interface Move {
  /** `orchestrator` (the remediation itself), `signalprocessing`, `aianalysis`. */
  readonly machine: string;
  readonly from: string;
  readonly to: string;
}

/** One event as a step of a remediation: what a timeline needs of it, and no more, so that many can be held. */
export interface Step {
  readonly eventId: string;
  readonly eventType: string;
  readonly outcome: string;
  /** Microseconds since 1970. */
  readonly at: bigint;
  /** Place in the chain: the order of arrival. */
  readonly position: bigint;
  /** The person who acted; undefined when it was a service. */
  readonly person: string | undefined;
  /** The actor's id, or the service's name. */
  readonly actor: string;
  readonly durationMs: number | undefined;
  /** One line; may be empty. */
  readonly detail: string;
  readonly failure: FailureText | undefined;
  readonly move: Move | undefined;
  readonly facts: Facts;
}

/** Texts are cut to this many characters when a step is made; terminals show less. */
const LONGEST_TEXT = 1000;

/** What a timeline needs of an event. The event was read with its payload as JSON text. */
export function toStep(event: AuditEvent): Step {
  const payload = new Payload(payloadOf(event));
  const { eventType, actorType, actorId } = event;
  const ms = event.durationMs === undefined ? payload.number("duration_ms") : Number(event.durationMs);
  return {
    eventId: event.eventId,
    eventType,
    outcome: OUTCOME_NAMES[event.eventOutcome] ?? "",
    at: eventMicros(event),
    position: event.chainPosition,
    person: actorType === "service" ? personOf(eventType, payload) : actorId,
    actor: actorId,
    durationMs: ms,
    detail: short(detailOf(eventType, payload)),
    failure: failureOf(event, payload),
    move: moveOf(eventType, payload),
    facts: factsOf(event, payload),
  };
}

/** Events that tell of a person's act; the recordings name the person in the payload alone. */
const BY_PEOPLE = /^(webhook\.|notification\.message\.acknowledged$|workflowexecution\.block\.cleared$)/;

function personOf(eventType: string, payload: Payload): string | undefined {
  if (!BY_PEOPLE.test(eventType)) return undefined;
  const name = payload.firstText("decided_by", "modified_by", "cleared_by", "acknowledged_by", "cancelled_by");
  // Kubernetes' own names of service accounts and components begin so.
  return name?.startsWith("system:") === true ? undefined : name;
}

/** By time, and in order of arrival where times are equal: recordings have stamps of whole seconds. */
export function inCourse(a: Step, b: Step): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.position < b.position ? -1 : a.position > b.position ? 1 : 0;
}

function failureOf(event: AuditEvent, payload: Payload): FailureText | undefined {
  const failed = OUTCOME_NAMES[event.eventOutcome] === "failure" || payload.text("outcome") === "Failed";
  if (!failed) return undefined;
  const details = payload.object("error_details");
  const said = payload.firstText(
    "failure_message",
    "message",
    "explanation",
    "summary",
    "detail",
    "failure_reason",
    "reason",
  );
  const message = event.errorMessage || details.text("message") || payload.texts("errors").join("; ") || said || "";
  const code = event.errorCode || details.text("code") || payload.text("failure_reason") || "";
  return { code, message: short(message) };
}

const MOVES: Readonly<Record<string, readonly [from: string, to: string]>> = {
  "orchestrator.lifecycle.transitioned": ["from_phase", "to_phase"],
  "signalprocessing.phase.transition": ["from_phase", "to_phase"],
  "aianalysis.phase.transition": ["old_phase", "new_phase"],
};

function moveOf(eventType: string, payload: Payload): Move | undefined {
  const names = Object.hasOwn(MOVES, eventType) ? MOVES[eventType] : undefined;
  const to = names && payload.text(names[1]);
  if (names === undefined || to === undefined) return undefined;
  return { machine: eventType.slice(0, eventType.indexOf(".")), from: payload.text(names[0]) ?? "", to };
}

function short(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

/** `CODE: message`, or whichever of them there is. */
export function failureLine({ code, message }: FailureText): string {
  return join(": ", code, message) || "no reason given";
}
