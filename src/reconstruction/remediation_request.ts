import { FieldMap } from "./facts/field_map.ts";
import type { Kind } from "./kind.ts";
import { mapApproval } from "./map/approval.ts";
import { mapBlock, mapEnd, mapPhases } from "./map/phases.ts";
import { KUBERNAUT, mapNotifications, mapReferences } from "./map/references.ts";
import type { RequestEvents } from "./map/request.ts";
import { mapDeduplication, mapSignal } from "./map/signal.ts";
import { mapTimeouts } from "./map/timeouts.ts";
import { mapAnalysis, mapWorkflow, mapWorkflowName } from "./map/workflow.ts";
import schema from "./schemas/remediationrequest.v1alpha1.json" with { type: "json" };
import type { MappedObject } from "./trace.ts";
import { REMEDIATION_REQUEST_EXPECTATIONS } from "./validate/remediation_request.ts";

/** The RemediationRequest. */
export const REMEDIATION_REQUEST: Kind = {
  apiVersion: KUBERNAUT,
  kind: "RemediationRequest",
  schema,
  labels: { "app.kubernetes.io/component": "remediation" },
  expectations: REMEDIATION_REQUEST_EXPECTATIONS,
  map: mapRemediationRequest,
};

function mapRemediationRequest(request: RequestEvents): MappedObject {
  const fields = new FieldMap();
  for (const event of request.events) {
    mapSignal(event, fields);
    mapDeduplication(event, fields);
    mapTimeouts(event, fields);
    mapEnd(event, fields);
    mapBlock(event, fields);
    mapAnalysis(event, fields);
    mapWorkflow(event, fields);
    mapApproval(event, fields);
    mapReferences(event, request, fields);
    mapNotifications(event, request, fields);
  }
  mapPhases(request.events, fields);
  mapWorkflowName(request.events, fields);
  return { name: request.name, namespace: request.namespace, fields, warnings: request.warnings };
}
