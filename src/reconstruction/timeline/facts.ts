import { targetText } from "./detail.ts";
import type { TimelineEvent } from "./event.ts";
import { join, type Payload } from "./payload.ts";

/** What one event says about the remediation as a whole; of several events, the last one that says something counts. */
export interface Facts {
  readonly signalName?: string;
  readonly signalType?: string;
  readonly severity?: string;
  readonly occurrences?: number;
  readonly target?: string;
  readonly cluster?: string;
  readonly workflow?: string;
  readonly confidence?: number;
  readonly rootCause?: string;
  /** How it ended, as the platform says: `Remediated`, `Failed` … */
  readonly outcome?: string;
  /** What the AI agent proposed to do. */
  readonly proposal?: string;
  readonly ai?: AiFacts;
}

/** What one event says about the work of the AI agent. */
export interface AiFacts {
  readonly kind: "request" | "response" | "tool" | "shadow" | "total";
  readonly model?: string;
  readonly tokens?: number;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly tool?: string;
}

/** Reads the facts of an event. */
export function factsOf({ type, clusterName }: TimelineEvent, payload: Payload): Facts {
  const cluster = clusterName === "" ? undefined : clusterName;
  return defined({ ...familyFacts(type, payload), cluster, ai: aiFacts(type, payload) });
}

type Loose<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

function familyFacts(eventType: string, payload: Payload): Loose<Facts> {
  const [family] = eventType.split(".");
  switch (family) {
    case "gateway":
      return {
        signalName: payload.text("signal_name"),
        signalType: payload.text("signal_type"),
        severity: payload.text("severity"),
        occurrences: payload.number("occurrence_count"),
        target: knownTarget(payload),
      };
    case "workflowexecution":
      return { workflow: workflowText(payload), target: payload.text("target_resource") };
    case "remediation":
      return { target: payload.text("target_resource") };
    case "aianalysis":
      return eventType === "aianalysis.analysis.completed" ? { confidence: payload.number("confidence") } : {};
    case "aiagent":
      return { rootCause: rootCause(eventType, payload), proposal: proposal(eventType, payload) };
    case "orchestrator":
      return { outcome: outcomeText(eventType, payload) };
    default:
      return {};
  }
}

/** Some gateways cannot tell what a signal is about, and say `Unknown`, or name no more than its namespace. */
function knownTarget(payload: Payload): string | undefined {
  const kind = payload.text("resource_kind");
  const isKnown = kind !== undefined && kind !== "Unknown" && payload.text("resource_name") !== undefined;
  return isKnown ? targetText(payload) : undefined;
}

function workflowText(payload: Payload): string | undefined {
  return (
    join(" ", payload.firstText("workflow_name"), payload.text("workflow_name") && payload.text("workflow_version")) ||
    undefined
  );
}

function rootCause(eventType: string, payload: Payload): string | undefined {
  if (eventType !== "aiagent.rca.complete") return undefined;
  return payload.object("response_data").object("rootCauseAnalysis").text("summary");
}

function proposal(eventType: string, payload: Payload): string | undefined {
  if (eventType !== "aiagent.response.complete") return undefined;
  const response = payload.object("response_data");
  return response.object("selectedWorkflow").text("rationale") ?? response.text("analysis");
}

function outcomeText(eventType: string, payload: Payload): string | undefined {
  if (eventType === "orchestrator.lifecycle.failed") return "Failed";
  if (eventType !== "orchestrator.lifecycle.completed") return undefined;
  return (
    payload.text("crd_outcome") ??
    (payload.text("outcome") === "Success" ? "Remediated" : payload.text("outcome")) ??
    "Completed"
  );
}

function aiFacts(eventType: string, payload: Payload): AiFacts | undefined {
  switch (eventType) {
    case "aiagent.llm.request":
      return defined({ kind: "request", model: payload.text("model") });
    case "aiagent.llm.response":
      return defined({ kind: "response", tokens: payload.number("tokens_used") });
    case "aiagent.llm.tool_call":
      return defined({ kind: "tool", tool: payload.text("tool_name") });
    case "aiagent.shadow.llm.response":
      return defined({ kind: "shadow", tokens: payload.number("total_tokens") });
    case "aiagent.response.complete":
      return defined({
        kind: "total",
        promptTokens: payload.number("total_prompt_tokens"),
        completionTokens: payload.number("total_completion_tokens"),
      });
    default:
      return undefined;
  }
}

/** The object without its undefined members. */
function defined<T extends object>(value: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}
