import { count } from "../../count.ts";
import { join, type Payload } from "./payload.ts";

type Describe = (payload: Payload) => string | undefined;

/** What is worth saying of an event beyond its type, by type; what a payload lacks is left out. */
const BY_TYPE: Readonly<Record<string, Describe>> = {
  "gateway.signal.received": (p) => join(" on ", p.text("signal_name"), targetText(p)),
  "gateway.signal.deduplicated": (p) => counted(p, "occurrence_count", (n) => `seen ${count(n, "time")}`),
  "gateway.crd.created": (p) => p.text("remediation_request"),
  "signalprocessing.classification.decision": (p) =>
    join(", ", p.text("severity"), p.text("priority"), p.text("environment")),
  "signalprocessing.business.classified": (p) =>
    join(
      ", ",
      p.text("business_unit"),
      prefixed("criticality ", p.text("criticality")),
      prefixed("SLA ", p.text("sla_requirement")),
    ),
  "signalprocessing.signal.processed": (p) =>
    join(", ", p.text("priority"), p.text("environment"), p.text("signal_mode")),
  "aianalysis.rego.evaluation": (p) => join(": ", p.text("outcome"), p.text("reason")),
  "aianalysis.approval.decision": (p) => join(": ", p.text("decision"), p.firstText("approval_reason", "reason")),
  "aianalysis.analysis.completed": (p) =>
    join(": ", confidenceText(p), p.object("provider_response_summary").text("analysis_preview")),
  "aiagent.llm.request": (p) =>
    join(
      ", ",
      p.text("model"),
      counted(p, "prompt_length", (n) => count(n, "character")),
    ),
  "aiagent.llm.response": (p) =>
    join(
      ": ",
      counted(p, "tokens_used", (n) => count(n, "token")),
      p.text("analysis_preview"),
    ),
  "aiagent.llm.tool_call": (p) => p.text("tool_name"),
  "aiagent.shadow.llm.request": (p) => p.text("step_kind"),
  "aiagent.shadow.llm.response": (p) => join(": ", p.text("step_kind"), p.text("evaluation_result")),
  "aiagent.rca.complete": (p) => {
    const response = p.object("response_data");
    return response.object("rootCauseAnalysis").text("summary") ?? response.text("analysis");
  },
  "aiagent.response.complete": (p) => p.object("response_data").text("analysis"),
  "aiagent.workflow.validation_attempt": (p) =>
    counted(p, "attempt", (n) => `attempt ${n} of ${p.number("max_attempts") ?? n}`),
  "aiagent.alignment.verdict": (p) =>
    join(
      ", ",
      p.text("result"),
      counted(p, "flagged", (n) => `${n} of ${p.number("total") ?? n} flagged`),
    ),
  "aiagent.enrichment.completed": (p) => join(" ", p.text("root_owner_kind"), p.text("root_owner_name")),
  "orchestrator.lifecycle.created": (p) => prefixed("timeouts: ", p.object("timeout_config").pairs()),
  "webhook.remediationrequest.timeout_modified": (p) => prefixed("timeouts: ", p.object("new_timeout_config").pairs()),
  "orchestrator.lifecycle.completed": (p) => p.firstText("crd_outcome", "outcome"),
  "remediation.workflow_created": (p) => p.text("target_resource"),
  "workflowexecution.selection.completed": (p) => join(" ", p.text("workflow_name"), p.text("workflow_version")),
  "workflowexecution.block.cleared": (p) => p.firstText("clear_reason", "reason"),
  "aiagent.enrichment.failed": (p) => join(": ", p.text("reason"), p.text("detail")),
};

/** For types that have no entry of their own: the longest beginning counts. */
const BY_PREFIX: readonly (readonly [prefix: string, describe: Describe])[] = [
  ["workflow.catalog.", (p) => counted(p.object("results"), "total_found", (n) => `${n} found`)],
  ["aianalysis.aiagent.", (p) => join(" ", p.text("endpoint"), counted(p, "http_status_code", String))],
  [
    "orchestrator.approval.",
    (p) => join(": ", p.firstText("decision", "rar_name"), p.firstText("decision_message", "reason")),
  ],
  ["webhook.remediationapprovalrequest.", (p) => join(": ", p.text("decision"), p.text("decision_message"))],
  ["workflowexecution.", (p) => join(", ", p.text("execution_name"), p.text("duration"))],
  ["notification.", (p) => join(": ", p.text("channel"), p.text("subject"))],
  [
    "effectiveness.",
    (p) =>
      join(
        ": ",
        counted(p, "score", (n) => `score ${n}`),
        p.text("details"),
      ),
  ],
];

/** One line about an event, from its payload; empty where there is nothing to say. */
export function detailOf(eventType: string, payload: Payload): string {
  const describe = Object.hasOwn(BY_TYPE, eventType)
    ? BY_TYPE[eventType]
    : BY_PREFIX.find(([prefix]) => eventType.startsWith(prefix))?.[1];
  return describe?.(payload) || payload.firstText("message", "details", "reason") || "";
}

/** `shop/Deployment/checkout`, of what a payload says about its target. */
export function targetText(payload: Payload): string | undefined {
  const whole = payload.text("target_resource");
  if (whole !== undefined) return whole;
  return (
    join("/", payload.text("namespace"), payload.text("resource_kind"), payload.text("resource_name")) || undefined
  );
}

function confidenceText(payload: Payload): string | undefined {
  return counted(payload, "confidence", (n) => `confidence ${n}`);
}

function counted(payload: Payload, name: string, text: (number: number) => string): string | undefined {
  const number = payload.number(name);
  return number === undefined ? undefined : text(number);
}

function prefixed(prefix: string, text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : prefix + text;
}
