import type { GatewayAuditPayload } from "../../../gen/ts/kubernaut/audit/v1/payloads_pb.ts";
import { canonicalText, type Json, type JsonObject } from "../../integrity/canonical.ts";
import type { FieldMap, Told } from "../facts/field_map.ts";
import { asTexts, asTime, field, happened, instead, member, asText as text, told } from "../facts/told.ts";
import { isObject } from "../parse/payload.ts";
import type { ParsedEvent } from "../trace.ts";

/** The event that tells all of the signal; the others stand in where it is missing. */
const RANKS: Readonly<Record<string, number>> = {
  "gateway.signal.received": 1,
  "gateway.crd.created": 0,
  "apifrontend.rr.created": 0,
};

/** What was asked: spec. */
export function mapSignal(event: ParsedEvent, fields: FieldMap): void {
  const rank = Object.hasOwn(RANKS, event.type) ? RANKS[event.type] : undefined;
  if (rank === undefined) return;
  const from = (name: string) => member(event, name);
  const put = (path: string, value: Told | undefined) => fields.put(path, value, rank);
  put("spec.signalName", text(from("signal_name")));
  put("spec.signalType", text(from("signal_type")));
  put("spec.signalFingerprint", text(from("fingerprint")));
  put("spec.severity", text(from("severity")));
  fields.putMembers("spec.signalLabels", asTexts(from("signal_labels")), rank);
  fields.putMembers("spec.signalAnnotations", asTexts(from("signal_annotations")), rank);
  put("spec.receivedTime", happened(event));
  put("spec.clusterName", told(event, event.clusterName, "cluster_name"));
  if (event.type === "gateway.crd.created") {
    fields.putMember("metadata.annotations", "kubernaut.ai/created-at", happened(event));
  }
  mapTarget(event, put);
  mapOriginal(from("original_payload"), put);
  put("spec.providerData", providerData(event));
}

type Put = (path: string, value: Told | undefined) => void;

function mapTarget(event: ParsedEvent, put: Put): void {
  const [kind, name] = [text(member(event, "resource_kind")), text(member(event, "resource_name"))];
  if (kind === undefined || name === undefined) return;
  const namespace = text(member(event, "namespace"))?.value;
  const target = { kind: kind.value, name: name.value, ...(namespace === undefined ? {} : { namespace }) };
  put("spec.targetResource", instead(kind, target));
  put("spec.targetType", instead(kind, "kubernetes"));
  put("status.signalTargetDisplay", instead(kind, `${kind.value}/${name.value}`));
}

/** The signal as it came, and what only that tells: the shape of Alertmanager's message names the source. */
function mapOriginal(original: Told | undefined, put: Put): void {
  if (original === undefined || !isObject(original.value)) return;
  put("spec.originalPayload", instead(original, canonicalText(original.value)));
  const alerts = original.value["alerts"];
  if (!Array.isArray(alerts)) return;
  put("spec.signalSource", told(original.event, "prometheus", `${original.source}.alerts`));
  const startsAt = (alerts as Json[]).map((alert) => (isObject(alert) ? alert["startsAt"] : undefined));
  const first = startsAt.findIndex((time) => typeof time === "string");
  put("spec.firingTime", asTime(told(original.event, startsAt[first], `${original.source}.alerts[${first}].startsAt`)));
}

/** Real objects keep the signal's labels and namespace as a JSON text. */
function providerData(event: ParsedEvent): Told | undefined {
  const labels = asTexts(member(event, "signal_labels"));
  const namespace = text(member(event, "namespace"))?.value;
  const data: JsonObject = { labels: labels?.value ?? {}, ...(namespace === undefined ? {} : { namespace }) };
  return instead(labels, canonicalText(data));
}

/** How often the signal came: status.deduplication. A count never falls, in whatever order its events came. */
export function mapDeduplication(event: ParsedEvent, fields: FieldMap): void {
  const { payload } = event;
  if (payload.of !== "gateway") return;
  if (event.type !== "gateway.signal.deduplicated") {
    if (event.type !== "gateway.signal.received" && event.type !== "gateway.crd.created") return;
    fields.put("status.deduplication.firstSeenAt", happened(event), event.type === "gateway.signal.received" ? 2 : 1);
    putCount(event, payload.value, fields);
    return;
  }
  fields.put("status.deduplication.lastSeenAt", happened(event));
  putCount(event, payload.value, fields);
}

function putCount(event: ParsedEvent, payload: GatewayAuditPayload, fields: FieldMap): void {
  fields.put("status.deduplication.occurrenceCount", field(event, payload, "occurrenceCount"), payload.occurrenceCount);
}
