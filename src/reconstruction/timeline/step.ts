import { type Decided, decisionOf } from "./decided.ts";
import { detailOf } from "./detail.ts";
import type { TimelineEvent } from "./event.ts";
import { type Facts, factsOf } from "./facts.ts";
import { cutTo, join, Payload } from "./payload.ts";
import { personOf } from "./person.ts";
import { microsOf } from "./time.ts";

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
  readonly decided: Decided | undefined;
  readonly facts: Facts;
}

/** The longest name that Kubernetes knows. */
const LONGEST_NAME = 253;

/** What a timeline needs of an event. */
export function toStep(event: TimelineEvent): Step {
  const payload = new Payload(event.data);
  const { type, actorId: actor } = event;
  const failure = failureOf(event, payload);
  return {
    eventId: event.eventId,
    eventType: type,
    outcome: failure === undefined ? event.outcome : "failure",
    at: microsOf(event.timestamp),
    position: BigInt(event.position),
    person: personOf(event, payload),
    actor,
    durationMs: event.durationMs ?? payload.number("duration_ms"),
    detail: detailOf(type, payload),
    failure,
    move: moveOf(type, payload),
    decided: decisionOf(event, payload),
    facts: factsOf(event, payload),
  };
}

/** By time, and in order of arrival where times are equal: recordings have stamps of whole seconds. */
export function inCourse(a: Step, b: Step): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.position < b.position ? -1 : a.position > b.position ? 1 : 0;
}

function failureOf(event: TimelineEvent, payload: Payload): FailureText | undefined {
  const failed = event.outcome === "failure" || payload.text("outcome") === "Failed";
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
  return { code, message };
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
  return {
    machine: eventType.slice(0, eventType.indexOf(".")),
    from: cutTo(payload.text(names[0]) ?? "", LONGEST_NAME),
    to: cutTo(to, LONGEST_NAME),
  };
}

/** `CODE: message`, or whichever of them there is. */
export function failureLine({ code, message }: FailureText): string {
  return join(": ", code, message) || "no reason given";
}
