import type { FieldMap } from "../facts/field_map.ts";
import { asText, happened, member, told } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import schema from "../schemas/signalprocessing.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import { mapClassification } from "./classification.ts";
import {
  EXPECTED_OF_ALL,
  expected,
  inPhase,
  lastNamed,
  mapWhere,
  moveFields,
  putPhase,
  putRequestRef,
  SIGNAL,
  type Stages,
  signalFields,
  textOf,
} from "./shared.ts";

const STAGES: Stages = { Pending: 0, Enriching: 1, Classifying: 2, Categorizing: 3, Completed: 5, Failed: 5 };
/** Beyond every phase but an end that it told itself. */
const GONE_ON = 4;

const RECEIVED = ["gateway.signal.received"];
const PHASES = ["signalprocessing.phase.transition", "signalprocessing.signal.processed"];
const CLASSIFIED = ["signalprocessing.classification.decision", "signalprocessing.signal.processed"];
const BUSINESS = ["signalprocessing.business.classified", "signalprocessing.signal.processed"];
const completed = inPhase("Completed");
const classified = inPhase("Categorizing", "Completed");

/** The SignalProcessing. */
export const SIGNAL_PROCESSING: Kind = {
  apiVersion: KUBERNAUT,
  kind: "SignalProcessing",
  schema,
  labels: { "app.kubernetes.io/component": "signal-processing" },
  expectations: [
    ...EXPECTED_OF_ALL,
    expected("spec.signal.name", SIGNAL),
    expected("spec.signal.type", SIGNAL),
    expected("spec.signal.fingerprint", SIGNAL),
    expected("spec.signal.severity", SIGNAL),
    expected("spec.signal.targetResource", SIGNAL),
    expected("spec.signal.targetType", SIGNAL),
    expected("spec.signal.receivedTime", SIGNAL),
    expected("spec.signal.labels", RECEIVED),
    expected("spec.signal.annotations", RECEIVED),
    expected("spec.signal.source", RECEIVED),
    expected("spec.signal.firingTime", RECEIVED),
    expected("spec.signal.providerData", RECEIVED),
    expected("status.phase", PHASES),
    expected("status.startTime", ["signalprocessing.phase.transition"]),
    expected("status.severity", CLASSIFIED, classified),
    expected("status.signalMode", CLASSIFIED, classified),
    expected("status.policyHash", ["signalprocessing.classification.decision"], classified),
    expected("status.environmentClassification.environment", CLASSIFIED, classified),
    expected("status.priorityAssignment.priority", CLASSIFIED, classified),
    expected("status.businessClassification.criticality", BUSINESS, completed),
    expected("status.businessClassification.slaRequirement", BUSINESS, completed),
    expected("status.completionTime", PHASES, inPhase("Completed", "Failed")),
  ],
  map: mapSignalProcessing,
};

function mapSignalProcessing(request: RequestEvents): MappedObject {
  const seen = request.events.filter(tellsOf);
  const named = lastNamed(seen, (event) => (isOwn(event) ? textOf(event, "name") : ""));
  return mapWhere(request, { name: named || `sp-${request.name}`, seen }, (fields) => {
    putRequestRef(request, seen, fields);
    moveFields(signalFields(request), fields, SIGNAL_MOVES);
    for (const event of seen) {
      mapClassification(event, fields);
      mapCourse(event, fields);
    }
    for (const event of request.events) mapGoneOn(event, fields);
  });
}

/** The orchestrator makes a SignalProcessing on the way to the phase Processing. */
function tellsOf(event: ParsedEvent): boolean {
  return isOwn(event) || (event.payload.of === "orchestrator" && event.payload.value.toPhase === "Processing");
}

function isOwn(event: ParsedEvent): boolean {
  return event.type.startsWith("signalprocessing.");
}

/** Where a SignalProcessing has what a RemediationRequest has of the signal. */
const SIGNAL_MOVES: Readonly<Record<string, string>> = {
  "spec.signalName": "spec.signal.name",
  "spec.signalType": "spec.signal.type",
  "spec.signalFingerprint": "spec.signal.fingerprint",
  "spec.severity": "spec.signal.severity",
  "spec.signalLabels": "spec.signal.labels",
  "spec.signalAnnotations": "spec.signal.annotations",
  "spec.signalSource": "spec.signal.source",
  "spec.firingTime": "spec.signal.firingTime",
  "spec.receivedTime": "spec.signal.receivedTime",
  "spec.targetResource": "spec.signal.targetResource",
  "spec.targetType": "spec.signal.targetType",
  "spec.providerData": "spec.signal.providerData",
};

function mapCourse(event: ParsedEvent, fields: FieldMap): void {
  if (!isOwn(event)) return;
  const moved = event.type === "signalprocessing.phase.transition";
  const phase = asText(member(event, "to_phase")) ?? asText(member(event, "phase"));
  putPhase(STAGES, phase, fields);
  if (moved && phase?.value === "Pending") fields.put("status.startTime", happened(event), 0);
  if (moved && phase?.value === "Enriching") fields.put("status.startTime", happened(event), 1);
  const ended = phase?.value === "Completed" || phase?.value === "Failed";
  if (ended) fields.put("status.completionTime", happened(event), moved ? 1 : 0);
}

/** The orchestrator goes on to the analysis only when the processing is completed. */
function mapGoneOn(event: ParsedEvent, fields: FieldMap): void {
  if (event.payload.of !== "orchestrator") return;
  const { fromPhase, toPhase } = event.payload.value;
  if (fromPhase !== "Processing" || toPhase !== "Analyzing") return;
  fields.put("status.phase", told(event, "Completed", "event_data.to_phase"), GONE_ON);
}
