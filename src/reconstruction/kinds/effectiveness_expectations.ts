import type { FieldMap } from "../facts/field_map.ts";
import type { Expectation } from "../validate/expectation.ts";
import { expected, inPhase, NAMED, SIGNAL, type Stages } from "./shared.ts";

/** Phases of an EffectivenessAssessment that events tell of. */
export const EFFECTIVENESS_STAGES: Stages = { Pending: 0, Assessing: 1, Completed: 2 };

const SCHEDULED = ["effectiveness.assessment.scheduled"];
const COMPLETED = ["effectiveness.assessment.completed"];
const completed = inPhase("Completed");

/** Whether all was assessed: one that ended early, as `Expired` or `Partial`, may have no score of a component. */
const full = (fields: FieldMap) => completed(fields) && fields.text("status.assessmentReason") === "Full";

/** What an EffectivenessAssessment should have: its plan always, the scores once all is assessed. */
export const EFFECTIVENESS_EXPECTATIONS: readonly Expectation[] = [
  { path: "metadata.namespace", eventTypes: NAMED, required: true },
  expected("spec.correlationID", [...SCHEDULED, "orchestrator.ea.created"]),
  expected("spec.signalName", [...SIGNAL, ...COMPLETED]),
  expected("spec.signalTarget", SIGNAL),
  expected("spec.remediationTarget", ["aiagent.rca.complete", "aiagent.response.complete"]),
  expected("spec.preRemediationSpecHash", ["remediation.workflow_created", "effectiveness.hash.computed"]),
  expected("spec.remediationCreatedAt", ["gateway.crd.created", "orchestrator.lifecycle.started"]),
  expected("spec.remediationRequestPhase", ["orchestrator.lifecycle.verifying_started"]),
  expected("spec.config.stabilizationWindow", SCHEDULED),
  expected("spec.config.hashComputeDelay", [...SCHEDULED, "orchestrator.ea.created"]),
  expected("spec.config.alertCheckDelay", [...SCHEDULED, "orchestrator.ea.created"]),
  expected("status.phase", ["orchestrator.ea.created", ...COMPLETED]),
  expected("status.prometheusCheckAfter", SCHEDULED),
  expected("status.alertManagerCheckAfter", SCHEDULED),
  expected("status.validityDeadline", SCHEDULED),
  expected("status.components.hashComputed", ["effectiveness.hash.computed"], full),
  expected("status.components.postRemediationSpecHash", ["effectiveness.hash.computed"], full),
  expected("status.components.healthScore", ["effectiveness.health.assessed"], full),
  expected("status.components.alertScore", ["effectiveness.alert.assessed"], full),
  expected("status.components.metricsScore", ["effectiveness.metrics.assessed"], full),
  expected("status.assessmentReason", COMPLETED, completed),
  expected("status.completedAt", COMPLETED, completed),
  expected("status.message", COMPLETED, completed),
];
