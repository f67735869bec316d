import { count } from "../count.ts";
import { Fault } from "../fault.ts";
import { buildObject, type Facts } from "./build/build.ts";
import { jsonText, yamlText } from "./build/text.ts";
import type { Kind } from "./kind.ts";
import { selectRequest } from "./map/request.ts";
import { parsing } from "./parse/parse.ts";
import { atOnce, type Steps } from "./steps.ts";
import type { AsOf, FieldSource, MappedObject, ParsedTrace, Reconstructed, TraceRow } from "./trace.ts";
import { checkingChain } from "./validate/chain.ts";
import { completenessOf, schemaWarnings } from "./validate/validate.ts";

/** What is asked of a reconstruction. */
export interface Question {
  readonly correlationId: string;
  readonly asOf?: AsOf;
  /** Which of several requests; and where no event tells one, the namespace. */
  readonly namespace?: string;
  /** Share, 0 to 1. */
  readonly minimumCompleteness?: number;
}

/**
 * Rebuilds a resource from the rows of a trace: parse → map → build → validate. Pure; the same rows give the same bytes.
 *
 * @throws Fault `not_found` (REMEDIATION_NOT_FOUND) without any event up to the moment; `precondition`: NO_RELEVANT_EVENTS,
 *   NOT_PARSEABLE, TOO_INCOMPLETE.
 */
export function reconstruct(kind: Kind, rows: readonly TraceRow[], question: Question): Reconstructed {
  return atOnce(reconstructing(kind, rows, question));
}

/** reconstruct, in steps. */
export function* reconstructing(kind: Kind, rows: readonly TraceRow[], question: Question): Steps<Reconstructed> {
  const { correlationId, asOf } = question;
  const trace = yield* parsing(correlationId, rows, asOf);
  if (trace.rows === 0) throw remediationNotFound(correlationId, rows.length);
  const mapped = kind.map(selectRequest(trace, question.namespace));
  if (mapped.fields.size === 0) throw nothingTold(kind, trace);
  const { completeness, missing } = completenessOf(kind, mapped);
  if (completeness < (question.minimumCompleteness ?? 0)) {
    throw tooIncomplete(completeness, question.minimumCompleteness ?? 0, missing);
  }
  // Up to the last event taken: what came later changes nothing of how it was.
  const counting = rows.filter((row) => Number(row.chain_position) <= trace.lastPosition);
  const last = counting.length < rows.length ? trace.lastPosition : lastAsked(asOf);
  const chain = yield* checkingChain(counting, last, trace.payloads);
  const used = new Set(mapped.fields.entries().map(([, { event }]) => event.eventId));
  const object = buildObject(kind, mapped, correlationId, {
    ...asOfFacts(asOf),
    "chain-verified": String(chain.verified),
    completeness: completeness.toFixed(4),
    "events-read": String(trace.rows),
    "events-used": String(used.size),
    "last-chain-position": String(trace.lastPosition),
  });
  return {
    object,
    yaml: yamlText(object),
    json: jsonText(object),
    completeness,
    missing,
    warnings: [...trace.warnings, ...mapped.warnings, ...nameWarnings(mapped, object), ...schemaWarnings(kind, object)],
    provenance: provenanceOf(mapped),
    chain,
    eventsRead: trace.rows,
    eventsUsed: used.size,
  };
}

/** The place up to which a chain is asked for. */
function lastAsked(asOf: AsOf | undefined): number {
  return asOf !== undefined && "position" in asOf ? asOf.position : Number.POSITIVE_INFINITY;
}

function asOfFacts(asOf: AsOf | undefined): Facts {
  if (asOf === undefined) return {};
  return { "as-of": "time" in asOf ? asOf.time : `chain position ${asOf.position}` };
}

function provenanceOf({ fields }: MappedObject): FieldSource[] {
  return fields.entries().map(([path, { event, source }]) => ({
    path,
    eventId: event.eventId,
    eventType: event.type,
    position: event.position,
    source,
  }));
}

function nameWarnings({ name }: MappedObject, object: Reconstructed["object"]): Reconstructed["warnings"] {
  const given = (object["metadata"] as { name: string }).name;
  if (given === name) return [];
  const message = `its name is none that Kubernetes takes; the object is named ${given}`;
  return [{ eventId: "", eventType: "", reason: "NAME_NOT_VALID", message }];
}

/** There is no such remediation. `later`: its events after the moment asked for. */
export function remediationNotFound(correlationId: string, later: number): Fault {
  const message = later === 0 ? "no event has this correlation_id" : "no event of this correlation_id is that old";
  const resource = { type: "RemediationRequest", name: correlationId };
  return new Fault("not_found", message, { reason: "REMEDIATION_NOT_FOUND", resource });
}

function nothingTold(kind: Kind, { rows, warnings }: ParsedTrace): Fault {
  const bad = warnings.filter(({ reason }) => reason.endsWith("_NOT_PARSEABLE"));
  const metadata = { events: String(rows), not_parseable: String(bad.length) };
  if (bad.length === 0) {
    const message = `there ${rows === 1 ? "is" : "are"} ${count(rows, "event")}, and none tells of the ${kind.kind}`;
    return new Fault("precondition", message, { reason: "NO_RELEVANT_EVENTS", metadata });
  }
  const [first] = bad;
  const message = `no event that would tell of the ${kind.kind} can be read: event ${first?.eventId}: ${first?.message}`;
  return new Fault("precondition", message, { reason: "NOT_PARSEABLE", metadata });
}

function tooIncomplete(completeness: number, minimum: number, missing: Reconstructed["missing"]): Fault {
  const paths = missing.map(({ path }) => path);
  const message = `completeness is ${completeness}, less than ${minimum}; missing: ${paths.join(", ")}`;
  const metadata = { completeness: String(completeness), missing: paths.join(",") };
  return new Fault("precondition", message, { reason: "TOO_INCOMPLETE", metadata });
}
