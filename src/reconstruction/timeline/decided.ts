import type { TimelineEvent } from "./event.ts";
import { join, type Payload } from "./payload.ts";
import { doerOf, personOf } from "./person.ts";

/** What an event says was decided, by whom and why. */
export interface Decided {
  /** In one word, such as `Approved`. */
  readonly what: string;
  readonly by: string;
  readonly byPerson: boolean;
  /** In the words of the event; may be empty. */
  readonly why: string;
  /** What was decided about, where two events may tell of the same decision. */
  readonly about: string;
}

type Rule = (
  payload: Payload,
  eventType: string,
) => { what: string | undefined; by?: string; why?: string } | undefined;

/** Stands for whoever wrote the policy by which approval was not asked for. */
const POLICY = "approval policy";

const timeouts: Rule = (p) => ({
  what: "TimeoutModified",
  why: join("; ", p.text("reason"), p.object("new_timeout_config").pairs()),
});
const approval: Rule = (p, type) => ({
  what: p.text("decision") ?? capitals(lastSegment(type)),
  why: p.firstText("decision_message", "reason") ?? "",
});
const cancelled: Rule = (p) => ({ what: "NotificationCancelled", why: p.firstText("cancel_reason", "reason") ?? "" });
const acknowledged: Rule = (p) => ({ what: "NotificationAcknowledged", why: p.text("subject") ?? "" });

const BY_TYPE: Readonly<Record<string, Rule>> = {
  "webhook.remediationapprovalrequest.decided": approval,
  "orchestrator.approval.approved": approval,
  "orchestrator.approval.rejected": approval,
  "aianalysis.approval.decision": (p) => ({
    what: capitals(p.text("decision") ?? ""),
    by: POLICY,
    why: p.firstText("approval_reason", "reason") ?? "",
  }),
  "aianalysis.rego.evaluation": (p) => ({
    what: capitals(p.text("outcome") ?? ""),
    by: POLICY,
    why: p.text("reason") ?? "",
  }),
  "webhook.remediationrequest.timeout_modified": timeouts,
  "workflowexecution.block.cleared": (p) => ({
    what: "BlockCleared",
    why: p.firstText("clear_reason", "reason") ?? "",
  }),
  "orchestrator.routing.blocked": (p) => ({ what: "Blocked", why: join(": ", p.text("reason"), p.text("message")) }),
  "orchestrator.remediation.manual_review": (p) => ({
    what: "ManualReviewRequested",
    why: join(": ", p.text("reason"), p.text("message")),
  }),
  "webhook.notification.cancelled": cancelled,
  "notification.message.cancelled": cancelled,
  "webhook.notification.acknowledged": acknowledged,
  "notification.message.acknowledged": acknowledged,
  "workflowexecution.selection.completed": (p) => ({
    what: "WorkflowSelected",
    why: join(" ", p.firstText("workflow_name", "workflow_id"), p.text("workflow_version")),
  }),
  "aiagent.alignment.verdict": (p) => ({
    what: "AlignmentJudged",
    why: join(", ", p.text("result"), share(p.number("flagged"), p.number("total"))),
  }),
};

const ADMISSION = /^(remediationworkflow|actiontype)\.(?:(?:admitted|denied)\.(?:create|update|delete|denied))$/;

/** The decision that an event tells of; undefined where it tells of none. */
export function decisionOf(event: TimelineEvent, payload: Payload): Decided | undefined {
  const { type } = event;
  const rule = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type] : ADMISSION.test(type) ? admission : undefined;
  const told = rule?.(payload, type);
  if (!told?.what) return undefined;
  const person = personOf(event, payload);
  // That a notification was seen is a decision only where somebody saw it.
  if (told.what === "NotificationAcknowledged" && person === undefined) return undefined;
  return {
    what: told.what,
    by: told.by ?? person ?? doerOf(event, payload),
    byPerson: person !== undefined,
    why: told.why ?? "",
    about: payload.text("rar_name") ?? "",
  };
}

const admission: Rule = (p, type) => {
  const [kind = ""] = type.split(".");
  const verb = lastSegment(type);
  const denied = type.includes(".denied");
  const name = p.firstText("workflow_name", "action_type", "name", "workflow_id");
  return {
    what: `${kind === "actiontype" ? "ActionType" : "Workflow"}${denied ? "Denied" : "Admitted"}`,
    why: join(
      ": ",
      join(" ", verb === "denied" ? undefined : verb, name),
      p.firstText("denial_reason", "reason", "message"),
    ),
  };
};

function lastSegment(type: string): string {
  return type.slice(type.lastIndexOf(".") + 1);
}

/** `AutoApproved` of `auto_approved`. */
function capitals(text: string): string {
  return text.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function share(part: number | undefined, whole: number | undefined): string | undefined {
  return part === undefined ? undefined : `${part} of ${whole ?? part} flagged`;
}
