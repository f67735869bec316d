import type { FieldMap } from "../facts/field_map.ts";
import { asText, asTime, happened, instead, member, told } from "../facts/told.ts";
import type { ParsedEvent } from "../trace.ts";

/** Rank of a decision: what a policy says, a request, what the orchestrator passes on, what was decided. */
const [POLICY, ASKED, PASSED_ON, DECIDED] = [0, 1, 2, 3];

/** The approval record: whether a person was asked, what was decided, by whom, when, in which words. */
export function mapApproval(event: ParsedEvent, fields: FieldMap): void {
  const { payload } = event;
  const decide = (decision: string, source: string, rank: number) =>
    fields.put("status.approval.decision", told(event, decision, source), rank);
  if (event.type === "aianalysis.approval.decision" && payload.of === "aianalysis") {
    if (payload.value.autoApproved !== true) return;
    decide("AutoApproved", "event_data.auto_approved", POLICY);
    fields.put("status.approval.decidedBy", told(event, event.actorId, "actor_id"), POLICY);
    fields.put("status.approval.decidedAt", happened(event), POLICY);
    fields.put("status.approval.message", asText(member(event, "reason")), POLICY);
    return;
  }
  if (event.type === "orchestrator.approval.requested") decide("Pending", "event_type", ASKED);
  else if (event.type === "orchestrator.approval.approved") decide("Approved", "event_type", PASSED_ON);
  else if (event.type === "orchestrator.approval.rejected") decide("Rejected", "event_type", PASSED_ON);
  else if (event.type !== "webhook.remediationapprovalrequest.decided") return;
  fields.put("status.approval.name", asText(member(event, "rar_name")));
  if (event.type === "orchestrator.approval.requested") return;
  const rank = event.type.startsWith("webhook.") ? DECIDED : PASSED_ON;
  const decision = asText(member(event, "decision"));
  fields.put("status.approval.decision", instead(decision, capital(decision?.value)), rank);
  const actor = told(event, event.actorId, "actor_id");
  const by = asText(member(event, "decided_by"));
  fields.put("status.approval.decidedBy", rank === DECIDED ? (person(event) ?? by ?? actor) : by, rank);
  fields.put("status.approval.decidedAt", asTime(member(event, "decided_at")) ?? happened(event), rank);
  fields.put("status.approval.message", asText(member(event, "decision_message")), rank);
}

/** The actor of the envelope, where it is more than the service that sent the event. */
function person(event: ParsedEvent): ReturnType<typeof told> {
  return event.actorType === "service" ? undefined : told(event, event.actorId, "actor_id");
}

function capital(text: unknown): string {
  return typeof text === "string" ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : "";
}
