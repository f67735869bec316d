import { randomUUIDv7 } from "node:crypto";
import type { EventOutbox } from "../../audit/event_outbox.ts";
import { type OwnEvent, prepareOwnEvents } from "../../audit/own_event.ts";
import { Fault } from "../../fault.ts";
import type { Database } from "../../postgres/database.ts";
import { readEach, readRows } from "../../postgres/read.ts";
import type { ActionTypeRow, FullWorkflowRow, WorkflowRow } from "../rows.ts";
import type { Context } from "./context.ts";
import { type Asked, actionsListed, workflowRetrieved, workflowsListed } from "./discovery_events.ts";
import {
  actionsAfter,
  actionsToken,
  type DiscoveryPage,
  pageSizeOf,
  workflowsAfter,
  workflowsToken,
} from "./discovery_page.ts";
import { planActions, planRetrieval } from "./discovery_statements.ts";
import { type Excluded, readExplained } from "./explanation.ts";
import { type Contribution, judge } from "./match.ts";
import { type MatchPage, readMatching } from "./matching.ts";
import { ReplySize } from "./reply_size.ts";

/** Who calls, and until when. */
export interface DiscoveryCall {
  /** The authenticated caller, the actor of the events. */
  readonly by: string;
  readonly signal: AbortSignal;
}

/** An action type with workflows that match. */
export interface AvailableAction {
  readonly row: Pick<ActionTypeRow, "action_type" | "description">;
  readonly count: number;
}

/** A workflow that matches; why, only where an explanation was asked for. */
export interface DiscoveredWorkflow {
  readonly row: WorkflowRow;
  /** Ten-thousandths of the score: see scoreOf. */
  readonly points?: number;
  readonly contributions?: readonly Contribution[];
}

export interface AvailableActions {
  readonly actions: readonly AvailableAction[];
  readonly nextPageToken: string;
  readonly correlationId: string;
}

export interface MatchingWorkflows {
  readonly matches: readonly DiscoveredWorkflow[];
  readonly nextPageToken: string;
  readonly correlationId: string;
  /** On the first page of an explanation: workflows that were left out, by name, and how many there are. */
  readonly excluded?: readonly Excluded[];
  readonly excludedCount?: number;
}

/**
 * Finds the workflows that fit an incident, in three steps. It reads what is committed when it is asked.
 *
 * No step answers without having handed its event to the outbox, and none waits for that to be stored. Each fails as
 * readRows does where the database cannot answer, and then leaves no event; with `exhausted` (EVENTS_WAITING), before it
 * does anything, while too many events wait; with `invalid` for a bad page token.
 */
export class Discovery {
  readonly #database: Database;
  readonly #events: Pick<EventOutbox, "reserve">;

  constructor({ database, events }: { database: Database; events: Pick<EventOutbox, "reserve"> }) {
    this.#database = database;
    this.#events = events;
  }

  /** Step 1: the active action types with workflows that match, by name. Leaves workflow.catalog.actions_listed. */
  async listAvailableActions(context: Context, page: DiscoveryPage, call: DiscoveryCall): Promise<AvailableActions> {
    const after = actionsAfter(context, page);
    const asked = askedOf(context, { topK: pageSizeOf(page) });
    return this.#leaving(1, call.by, async (durationMs) => {
      const { rows, more } = await this.#readActions(context, after, asked.topK, call.signal);
      const found = { returned: rows.length, total: rows[0]?.total ?? 0, workflows: [], durationMs: durationMs() };
      const last = rows.at(-1);
      const answer = {
        actions: rows.map((row) => ({ row, count: row.workflow_count })),
        nextPageToken: more && last !== undefined ? actionsToken(context, last.action_type) : "",
        correlationId: asked.correlationId,
      };
      return { answer, events: actionsListed(asked, found) };
    });
  }

  /** Step 2: the workflows of an action type that match, the best first. Leaves workflow.catalog.workflows_listed. */
  async listMatchingWorkflows(
    actionType: string,
    context: Context,
    page: DiscoveryPage & { readonly explain: boolean },
    call: DiscoveryCall,
  ): Promise<MatchingWorkflows> {
    const query = { actionType, context, explain: page.explain };
    const after = workflowsAfter(query, page);
    const asked = askedOf(context, { topK: pageSizeOf(page), actionType });
    const request = { query, after, pageSize: asked.topK, signal: call.signal };
    return this.#leaving(1, call.by, async (durationMs) => {
      const explained = page.explain ? await readExplained(this.#database, request) : undefined;
      const found: MatchPage = explained ?? (await readMatching(this.#database, request));
      const answer = {
        matches: explained?.matches ?? found.matches.map(({ row }) => ({ row })),
        nextPageToken: found.next === undefined ? "" : workflowsToken(query, found.next),
        correlationId: asked.correlationId,
        ...(explained !== undefined &&
          after === undefined && { excluded: explained.excluded, excludedCount: explained.excludedCount }),
      };
      const workflows = found.matches.map((match, index) => ({ ...match, rank: found.shown + index + 1 }));
      const { total } = found;
      const events = workflowsListed(asked, { returned: workflows.length, total, workflows, durationMs: durationMs() });
      return { answer, events };
    });
  }

  /**
   * Step 3: a workflow in full, where it is active, latest and matches. Leaves workflow.catalog.workflow_retrieved and
   * workflow.catalog.selection_validated, also where it does not.
   *
   * @throws Fault `not_found` (WORKFLOW_NOT_MATCHING), whatever the reason; its metadata has the correlation_id.
   */
  async getMatchingWorkflow(
    workflowId: string,
    context: Context,
    call: DiscoveryCall,
  ): Promise<{ row: FullWorkflowRow; correlationId: string }> {
    const asked = askedOf(context, { topK: 1, workflowId: workflowId.toLowerCase() });
    const { correlationId } = asked;
    const row = await this.#leaving(2, call.by, async (durationMs) => {
      const statement = planRetrieval(asked.workflowId, context);
      const [answer] = await readRows<FullWorkflowRow>(this.#database, statement, call.signal);
      const workflows = answer === undefined ? [] : [{ row: answer, rank: 1, points: judge(context, answer).points }];
      const count = workflows.length;
      const found = { returned: count, total: count, workflows, durationMs: durationMs() };
      return { answer, events: workflowRetrieved(asked, found) };
    });
    if (row === undefined) throw notMatching(workflowId, correlationId);
    return { row, correlationId };
  }

  async #readActions(context: Context, after: string | undefined, pageSize: number, signal: AbortSignal) {
    const size = new ReplySize();
    const rows: ActionRow[] = [];
    const statement = planActions(context, after, pageSize + 1);
    const more = await readEach<ActionRow>(this.#database, statement, signal, (row) => {
      if (rows.length === pageSize || !size.fits(row)) return false;
      rows.push(row);
      return true;
    });
    return { rows, more };
  }

  /** Runs a step that leaves so many events at most. They are in the outbox when this resolves. */
  async #leaving<T>(
    count: number,
    by: string,
    run: (durationMs: () => number) => Promise<{ answer: T; events: readonly OwnEvent[] }>,
  ): Promise<T> {
    const place = this.#events.reserve(count);
    try {
      const started = performance.now();
      const { answer, events } = await run(() => performance.now() - started);
      place.fill(await prepareOwnEvents(events, by));
      return answer;
    } finally {
      place.release();
    }
  }
}

interface ActionRow extends Pick<ActionTypeRow, "action_type" | "description"> {
  readonly workflow_count: number;
  readonly total: number;
}

/** What the events say of the request: they belong to its remediation, or to this call alone. */
function askedOf<T extends Pick<Asked, "topK">>(context: Context, more: T): T & Asked {
  const correlationId = context.remediationId || `discovery-${randomUUIDv7()}`;
  return { correlationId, filters: context.given, ...more };
}

function notMatching(workflowId: string, correlationId: string): Fault {
  return new Fault("not_found", `there is no workflow ${workflowId} that is active, latest and matches the context`, {
    reason: "WORKFLOW_NOT_MATCHING",
    resource: { type: "kubernaut.catalog.v1.Workflow", name: workflowId },
    metadata: { correlation_id: correlationId },
  });
}
