import type { FieldMap } from "../facts/field_map.ts";
import { asText, asTexts, asTime, field, member } from "../facts/told.ts";
import type { ParsedEvent } from "../trace.ts";

/** Bounds of the phases, as they were set and as somebody changed them; who and when. */
export function mapTimeouts(event: ParsedEvent, fields: FieldMap): void {
  if (event.payload.of === "orchestrator" && event.type === "orchestrator.lifecycle.created") {
    putConfig(fields, asTexts(field(event, event.payload.value, "timeoutConfig")), 0);
  }
  if (event.type !== "webhook.remediationrequest.timeout_modified") return;
  // What was changed counts over what was set at the start, which in recordings comes later than the first change.
  putConfig(fields, asTexts(member(event, "new_timeout_config")), 1);
  fields.put("status.lastModifiedBy", asText(member(event, "modified_by")));
  fields.put("status.lastModifiedAt", asTime(member(event, "modified_at")));
}

const BOUNDS: ReadonlySet<string> = new Set(["global", "processing", "analyzing", "executing", "verifying"]);

function putConfig(fields: FieldMap, config: ReturnType<typeof asTexts>, rank: number): void {
  if (config === undefined) return;
  for (const [name, value] of Object.entries(config.value as Record<string, string>)) {
    if (!BOUNDS.has(name) || value === "") continue;
    fields.put(
      `status.timeoutConfig.${name}`,
      { value, event: config.event, source: `${config.source}.${name}` },
      rank,
    );
  }
}
