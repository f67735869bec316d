import type { FieldMap, Told } from "../facts/field_map.ts";
import { asText, happened, member } from "../facts/told.ts";
import type { ParsedEvent } from "../trace.ts";
import { asCapital } from "./shared.ts";

/** What decides counts over what sums up. */
const RANKS: Readonly<Record<string, number>> = {
  "signalprocessing.classification.decision": 1,
  "signalprocessing.business.classified": 1,
  "signalprocessing.signal.processed": 0,
};

/** What the processing of a signal found, in the places of a SignalProcessing's status. */
export function mapClassification(event: ParsedEvent, fields: FieldMap): void {
  const rank = Object.hasOwn(RANKS, event.type) ? RANKS[event.type] : undefined;
  if (rank === undefined) return;
  const from = (name: string) => asText(member(event, name));
  const put = (path: string, told: Told | undefined) => fields.put(`status.${path}`, told, rank);
  put("severity", from("normalized_severity") ?? from("severity"));
  put("signalMode", from("signal_mode"));
  put("policyHash", from("policy_hash"));
  put("environmentClassification.environment", asCapital(from("environment")));
  if (from("environment") !== undefined) put("environmentClassification.classifiedAt", happened(event));
  put("priorityAssignment.priority", from("priority"));
  if (from("priority") !== undefined) put("priorityAssignment.assignedAt", happened(event));
  put("businessClassification.businessUnit", from("business_unit"));
  put("businessClassification.criticality", asCapital(from("criticality")));
  put("businessClassification.slaRequirement", from("sla_requirement"));
  // A proactive signal gets another name, and events do not say which of the two they have.
  if (from("signal_mode")?.value === "reactive") put("signalName", from("signal"));
}
