import type { Json } from "../../integrity/canonical.ts";
import { type Field, FieldMap, type Told } from "../facts/field_map.ts";
import { asText, instead, member, reference, told } from "../facts/told.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import { mapSignal } from "../map/signal.ts";
import type { MappedObject, ParsedEvent } from "../trace.ts";
import type { Expectation } from "../validate/expectation.ts";

/** Types of the events that name a request. */
export const NAMED: readonly string[] = ["orchestrator.lifecycle.created", "gateway.crd.created"];
/** Types of the events that tell of a signal. */
export const SIGNAL: readonly string[] = ["gateway.signal.received", "gateway.crd.created", "apifrontend.rr.created"];

/** What an object is not without that refers to its request. */
export const EXPECTED_OF_ALL: readonly Expectation[] = [
  { path: "metadata.namespace", eventTypes: NAMED, required: true },
  { path: "spec.remediationRequestRef", eventTypes: NAMED, required: true },
];

/** A field that an object should have, always or once `when` holds. */
export function expected(path: string, eventTypes: readonly string[], when?: Expectation["when"]): Expectation {
  return when === undefined ? { path, eventTypes } : { path, eventTypes, when };
}

/** The object of a kind: without any event that tells that it was there, it has no field, whatever others would fill. */
export function mapWhere(
  request: RequestEvents,
  named: { readonly name: string; readonly seen: readonly ParsedEvent[] },
  fill: (fields: FieldMap) => void,
): MappedObject {
  const fields = new FieldMap();
  if (named.seen.length > 0) {
    fill(fields);
  }
  return { name: named.name, namespace: request.namespace, fields, warnings: request.warnings };
}

/** spec.remediationRequestRef; without the uid, which belonged to an object that is gone. */
export function putRequestRef(
  { events, name, namespace }: RequestEvents,
  seen: readonly ParsedEvent[],
  fields: FieldMap,
): void {
  const path = "spec.remediationRequestRef";
  const put = (from: Told | undefined, rank: number) =>
    fields.put(path, reference(KUBERNAUT, "RemediationRequest", instead(from, name), namespace), rank);
  for (const event of seen) put(told(event, name, "correlation_id"), 0);
  for (const event of events) {
    const request = event.payload.of === "gateway" ? member(event, "remediation_request") : undefined;
    if (request?.value === `${namespace}/${name}`) put(request, 1);
    const rr = member(event, "rr_name");
    if (rr?.value === name) put(rr, 1);
  }
}

/** Copies fields to other places: `moves` maps a path to the path it gets; members of a map go with it. */
export function moveFields(from: FieldMap, to: FieldMap, moves: Readonly<Record<string, string>>): void {
  for (const [, field] of from.entries()) {
    for (const [old, path] of Object.entries(moves)) moveField(field, to, old, path);
  }
}

function moveField(field: Field, to: FieldMap, old: string, path: string): void {
  const place = old.split(".");
  const told: Told = { value: field.value, event: field.event, source: field.source };
  if (place.some((name, index) => field.path[index] !== name)) return;
  if (field.path.length === place.length) to.put(path, told, field.rank);
  else if (field.path.length === place.length + 1) to.putMember(path, field.path.at(-1) as string, told, field.rank);
}

/** The fields that a RemediationRequest has of its signal: those of `spec`, and status.signalTargetDisplay. */
export function signalFields({ events }: RequestEvents): FieldMap {
  const fields = new FieldMap();
  for (const event of events) mapSignal(event, fields);
  return fields;
}

/** The phases of a kind, by how far each has come; a phase is never taken back. */
export type Stages = Readonly<Record<string, number>>;

/** Fills status.phase with the farthest phase told. */
export function putPhase(stages: Stages, phase: Told | undefined, fields: FieldMap): void {
  if (typeof phase?.value !== "string" || !Object.hasOwn(stages, phase.value)) return;
  fields.put("status.phase", phase, stages[phase.value]);
}

/** Whether an object has come to one of these phases. */
export function inPhase(...phases: readonly string[]): (fields: FieldMap) => boolean {
  return (fields) => phases.includes(fields.text("status.phase"));
}

/** A number told as one. */
export function asNumber(from: Told | undefined): Told | undefined {
  return typeof from?.value === "number" && Number.isFinite(from.value) ? from : undefined;
}

/** A boolean told as one. */
export function asBoolean(from: Told | undefined): Told | undefined {
  return typeof from?.value === "boolean" ? from : undefined;
}

/** A duration as Go writes it. */
export function asDuration(from: Told | undefined): Told | undefined {
  return typeof from?.value === "string" && DURATION.test(from.value) ? from : undefined;
}

const DURATION = /^[+-]?(0|(\d+(\.\d*)?(ns|us|µs|μs|ms|s|m|h))+)$/;

/** A text with a capital at its start: events write in small letters what objects have as `Production` or `High`. */
export function asCapital(from: Told | undefined): Told | undefined {
  const text = asText(from)?.value as string | undefined;
  return text === undefined ? undefined : instead(from, `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`);
}

/** The texts of a list. */
export function asTextList(from: Told | undefined): Told | undefined {
  if (!Array.isArray(from?.value)) return undefined;
  const texts = (from.value as Json[]).filter((text) => typeof text === "string");
  return texts.length === 0 ? undefined : instead(from, texts);
}

/** The name of the object that stands last: among those named by events, the one whose first event is the latest. */
export function lastNamed(events: readonly ParsedEvent[], nameOf: (event: ParsedEvent) => string): string {
  const names = new Set(events.map(nameOf));
  names.delete("");
  return [...names].at(-1) ?? "";
}

/** A text of a payload; empty where it has none. */
export function textOf(event: ParsedEvent, name: string): string {
  return (asText(member(event, name))?.value as string | undefined) ?? "";
}
