import { FieldMap, type Told } from "../facts/field_map.ts";
import { asText, asTime, happened, member, told } from "../facts/told.ts";
import type { Kind } from "../kind.ts";
import { KUBERNAUT } from "../map/references.ts";
import type { RequestEvents } from "../map/request.ts";
import { mapAnalysis, mapWorkflow } from "../map/workflow.ts";
import schema from "../schemas/effectivenessassessment.v1alpha1.json" with { type: "json" };
import type { MappedObject, ParsedEvent } from "../trace.ts";
import { EFFECTIVENESS_EXPECTATIONS, EFFECTIVENESS_STAGES } from "./effectiveness_expectations.ts";
import {
  asBoolean,
  asDuration,
  asNumber,
  lastNamed,
  mapWhere,
  moveFields,
  putPhase,
  signalFields,
  textOf,
} from "./shared.ts";

/** The EffectivenessAssessment. */
export const EFFECTIVENESS_ASSESSMENT: Kind = {
  apiVersion: KUBERNAUT,
  kind: "EffectivenessAssessment",
  schema,
  labels: { "app.kubernetes.io/component": "effectiveness-monitor" },
  expectations: EFFECTIVENESS_EXPECTATIONS,
  map: mapEffectivenessAssessment,
};

function mapEffectivenessAssessment(request: RequestEvents): MappedObject {
  const seen = request.events.filter((event) => isOwn(event) || isMade(event));
  const named = lastNamed(seen, (event) => textOf(event, "ea_name"));
  const own = seen.filter((event) => ["", named].includes(textOf(event, "ea_name")));
  return mapWhere(request, { name: named || `ea-${request.name}`, seen: own }, (fields) => {
    mapSubject(request, fields);
    for (const event of own) {
      mapSchedule(event, fields);
      mapComponent(event, fields);
      mapEnd(event, fields);
      if (isMade(event)) putPhase(EFFECTIVENESS_STAGES, told(event, "Pending", "event_type"), fields);
    }
  });
}

function isOwn({ type }: ParsedEvent): boolean {
  return type.startsWith("effectiveness.");
}

function isMade({ type }: ParsedEvent): boolean {
  return type === "orchestrator.ea.created";
}

/** What is assessed: the remediation as other services tell of it. */
function mapSubject(request: RequestEvents, fields: FieldMap): void {
  moveFields(signalFields(request), fields, {
    "spec.signalName": "spec.signalName",
    "spec.targetResource": "spec.signalTarget",
  });
  const found = new FieldMap();
  for (const event of request.events) {
    mapAnalysis(event, found);
    mapWorkflow(event, found);
    if (event.type === "gateway.crd.created") fields.put("spec.remediationCreatedAt", happened(event), 1);
    else if (event.type === "orchestrator.lifecycle.started") {
      fields.put("spec.remediationCreatedAt", happened(event), 0);
    } else if (event.type === "orchestrator.lifecycle.verifying_started") {
      fields.put("spec.remediationRequestPhase", told(event, "Verifying", "event_type"));
    }
  }
  moveFields(found, fields, {
    "status.remediationTarget": "spec.remediationTarget",
    "status.preRemediationSpecHash": "spec.preRemediationSpecHash",
  });
}

function mapSchedule(event: ParsedEvent, fields: FieldMap): void {
  const rank = isMade(event) ? 0 : 1;
  const put = (path: string, from: Told | undefined) => fields.put(path, from, rank);
  put("spec.correlationID", asText(member(event, "correlation_id")) ?? asText(member(event, "rr_name")));
  put("spec.config.alertCheckDelay", asDuration(member(event, "alert_check_delay")));
  put("spec.config.hashComputeDelay", asDuration(member(event, "hash_compute_delay")));
  put("spec.config.stabilizationWindow", asDuration(member(event, "stabilization_window")));
  put("status.alertManagerCheckAfter", asTime(member(event, "alertmanager_check_after")));
  put("status.prometheusCheckAfter", asTime(member(event, "prometheus_check_after")));
  put("status.validityDeadline", asTime(member(event, "validity_deadline")));
}

const SCORED: Readonly<Record<string, string>> = {
  "effectiveness.alert.assessed": "alert",
  "effectiveness.health.assessed": "health",
  "effectiveness.metrics.assessed": "metrics",
};

function mapComponent(event: ParsedEvent, fields: FieldMap): void {
  const name = Object.hasOwn(SCORED, event.type) ? SCORED[event.type] : undefined;
  const hashed = event.type === "effectiveness.hash.computed";
  if (name === undefined && !hashed) return;
  putPhase(EFFECTIVENESS_STAGES, told(event, "Assessing", "event_type"), fields);
  const done = asBoolean(member(event, "assessed"));
  const put = (path: string, from: Told | undefined) => fields.put(`status.components.${path}`, from);
  if (name !== undefined) {
    put(`${name}Assessed`, done);
    put(`${name}Score`, asNumber(member(event, "score")));
    return;
  }
  put("hashComputed", done);
  put("postRemediationSpecHash", asText(member(event, "post_remediation_spec_hash")));
}

function mapEnd(event: ParsedEvent, fields: FieldMap): void {
  if (event.type !== "effectiveness.assessment.completed") return;
  putPhase(EFFECTIVENESS_STAGES, told(event, "Completed", "event_type"), fields);
  fields.put("status.assessmentReason", asText(member(event, "reason")));
  fields.put("status.completedAt", asTime(member(event, "completed_at")) ?? happened(event));
  fields.put("status.message", asText(member(event, "details")));
  fields.put("spec.signalName", asText(member(event, "signal_name")), 2);
}
