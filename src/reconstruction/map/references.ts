import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, field, instead, member, reference, told } from "../facts/told.ts";
import type { ParsedEvent } from "../trace.ts";
import type { RequestEvents } from "./request.ts";

/** Group and version of the platform's resources. */
export const KUBERNAUT = "kubernaut.ai/v1alpha1";
/** Group and version of notifications. */
export const NOTIFICATION = "notification.kubernaut.ai/v1alpha1";

/** The resources that belong to a request. */
export function mapReferences(event: ParsedEvent, request: RequestEvents, fields: FieldMap): void {
  const { namespace } = request;
  const put = (path: string, kind: string, name: Told | undefined, rank: number) =>
    fields.put(path, reference(KUBERNAUT, kind, name, namespace), rank);
  putProcessing(event, request, put);
  const { payload } = event;
  if (payload.of === "aianalysis") {
    put("status.aiAnalysisRef", "AIAnalysis", field(event, payload.value, "analysisName"), 0);
  }
  if (payload.of === "workflowexecution") {
    const name = field(event, payload.value, "executionName");
    const rank = event.type === "workflowexecution.execution.started" ? 1 : 0;
    put("status.workflowExecutionRef", "WorkflowExecution", name, rank);
    put("status.executionRef", "WorkflowExecution", name, rank);
  }
  if (event.type === "orchestrator.ea.created" || event.type.startsWith("effectiveness.")) {
    const rank = event.type === "orchestrator.ea.created" ? 1 : 0;
    put("status.effectivenessAssessmentRef", "EffectivenessAssessment", asText(member(event, "ea_name")), rank);
  }
}

/** The orchestrator names a SignalProcessing after its request, and makes it on the way to the phase Processing. */
function putProcessing(
  event: ParsedEvent,
  request: RequestEvents,
  put: (path: string, kind: string, name: Told | undefined, rank: number) => void,
): void {
  const [path, kind] = ["status.signalProcessingRef", "SignalProcessing"];
  if (event.type.startsWith("signalprocessing.")) {
    put(path, kind, asText(member(event, "name")), 2);
    put(path, kind, told(event, `sp-${request.name}`, "correlation_id"), 0);
  } else if (event.payload.of === "orchestrator" && event.payload.value.toPhase === "Processing") {
    put(path, kind, instead(field(event, event.payload.value, "rrName"), `sp-${request.name}`), 1);
  }
}

const NOTIFIED: Readonly<Record<string, readonly [status: string, rank: number]>> = {
  "notification.message.sent": ["Sent", 1],
  "notification.message.failed": ["Failed", 1],
  "webhook.notification.cancelled": ["Cancelled", 1],
  // Only what was sent can be acknowledged or escalated; the object's status has no word for it.
  "notification.message.acknowledged": ["Sent", 0],
  "notification.message.escalated": ["Sent", 0],
  "webhook.notification.acknowledged": ["Sent", 0],
};

/** The notifications in the order of their first events, and what became of the last. */
export function mapNotifications(event: ParsedEvent, request: RequestEvents, fields: FieldMap): void {
  const known = Object.hasOwn(NOTIFIED, event.type) ? NOTIFIED[event.type] : undefined;
  if (known === undefined) return;
  const [status, rank] = known;
  fields.put("status.notificationStatus", told(event, status, "event_type"), rank);
  const ref = reference(
    NOTIFICATION,
    "NotificationRequest",
    asText(member(event, "notification_id")),
    request.namespace,
  );
  if (ref === undefined) return;
  fields.putItem("status.notificationRequestRefs", String(member(event, "notification_id")?.value), ref);
}
