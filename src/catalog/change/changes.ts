import { setTimeout as sleep } from "node:timers/promises";
import { unavailable } from "../../audit/append/appender.ts";
import type { OwnEvent } from "../../audit/own_event.ts";
import { failpoint } from "../../failpoint.ts";
import type { ActionTypeContent, WorkflowContent } from "../content/content.ts";
import { actionTypeNotFound, workflowNotFound } from "../faults.ts";
import type { ActionTypeRow, Description, WorkflowRow } from "../rows.ts";
import { decideActionType, decideDescription, decideDisabling } from "./action_type_rules.ts";
import { readActionType, readKnownVersion, readKnownVersions } from "./catalog_statements.ts";
import { changeEvents, denialEvent, newChangeId } from "./change_events.ts";
import { type CommitParts, commit } from "./commit.ts";
import type { Decision, Denial, RegistrationResult } from "./decision.ts";
import { decideTransition, type LifecycleAct } from "./lifecycle.ts";
import { checkEtag } from "./refusal.ts";
import { decideRegistration } from "./registration.ts";
import { stampNow } from "./stamp.ts";

export type { CommitParts as CatalogChangesParts } from "./commit.ts";
export type { RegistrationResult } from "./decision.ts";
export type { LifecycleAct } from "./lifecycle.ts";

/** What a change left. */
export interface Changed<Row> {
  /** The row as the change left it; with `validateOnly` as it would be, with an empty revision. */
  readonly row: Row;
  /** Of the change's events; empty where nothing was written. */
  readonly correlationId: string;
}

export interface RegisteredActionType extends Changed<ActionTypeRow> {
  readonly result: RegistrationResult;
}

export interface RegisteredWorkflow extends Changed<WorkflowRow> {
  readonly result: RegistrationResult;
  /** The version that was active before; empty where there was none. */
  readonly supersededVersion: string;
}

/** Who asks for a change, and on what state it was built. */
export interface ChangeOptions {
  /** The authenticated caller. */
  readonly by: string;
  /** Empty: whatever the state is. */
  readonly etag: string;
}

/** How often a change that lost a race is decided anew before the catalog counts as unavailable. */
const ATTEMPTS = 20;
/** From this try on it waits before the next, a little at random, so that many who change one thing do not keep each other from it. */
const PAUSE_FROM = 2;

/** A change with the events that tell of it. */
interface Plan<D> {
  readonly decision: D;
  readonly events: (correlationId: string) => OwnEvent[];
}

/**
 * Changes the catalog. Every change is decided on one state of it by pure rules, and is made with its events in one
 * transaction that finds out whether that is still the state; where it is not, it is decided anew.
 *
 * All methods throw Fault: `aborted` (ETAG_MISMATCH); `unavailable` when the database is away, where the fate of the change
 * is unknown and asking again is safe; `precondition` with DATABASE_REFUSES when the database takes neither the change nor
 * its events; and what they say themselves. Nothing waits in the queue. Texts must be such as PostgreSQL can hold.
 */
export class CatalogChanges {
  readonly #parts: CommitParts;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** Registers an action type, gives it another description, or makes it active again. */
  async registerActionType(
    content: ActionTypeContent,
    { by, etag, validateOnly }: ChangeOptions & { readonly validateOnly: boolean },
  ): Promise<RegisteredActionType> {
    const { decision, correlationId, row } = await this.#carryOut(by, validateOnly, async () => {
      const known = await readActionType(this.#parts.database, content.actionType);
      checkEtag(etag, known?.row, `action type ${content.actionType}`);
      return planned(decideActionType(content, known?.row, stampNow(by)));
    });
    return { result: decision.result, row, correlationId };
  }

  /** Gives an active action type another description. @throws Fault also `not_found`, ACTION_TYPE_DISABLED. */
  async updateActionType(
    actionType: string,
    description: Description,
    { by, etag }: ChangeOptions,
  ): Promise<RegisteredActionType> {
    const { decision, correlationId, row } = await this.#carryOut(by, false, async () => {
      const known = await this.#actionType(actionType, etag);
      return planned(decideDescription(description, known.row, stampNow(by)));
    });
    return { result: decision.result, row, correlationId };
  }

  /**
   * Disables an action type that no active workflow uses. That it was refused is recorded as well.
   *
   * @throws Fault also `not_found`, ACTION_TYPE_IN_USE.
   */
  async disableActionType(
    actionType: string,
    { by, etag, reason }: ChangeOptions & { readonly reason: string },
  ): Promise<Changed<ActionTypeRow>> {
    const { correlationId, row } = await this.#carryOut(by, false, async () => {
      const { row, use } = await this.#actionType(actionType, etag);
      const decision = decideDisabling(row, use, stampNow(by));
      if ("writes" in decision) return planned(decision, reason);
      return { decision, events: (correlationId) => [denialEvent(row, use, correlationId, reason)] };
    });
    return { row, correlationId };
  }

  /**
   * Registers a version of a workflow. The etag is that of the active version, else of the latest.
   *
   * @throws Fault also `precondition`, as decideRegistration says.
   */
  async registerWorkflow(
    content: WorkflowContent,
    options: ChangeOptions & { readonly validateOnly: boolean; readonly allowDowngrade: boolean },
  ): Promise<RegisteredWorkflow> {
    const { by, etag, validateOnly, allowDowngrade } = options;
    const { decision, correlationId, row } = await this.#carryOut(by, validateOnly, async () => {
      const known = await readKnownVersions(this.#parts.database, content);
      checkEtag(etag, known.latest, `workflow ${content.workflowName}`);
      return planned(decideRegistration(content, known, allowDowngrade, stampNow(by)));
    });
    return { result: decision.result, row, supersededVersion: decision.supersededVersion, correlationId };
  }

  /** Changes the state of a version. @throws Fault also `not_found`, `precondition` as decideTransition says. */
  async changeWorkflow(
    act: LifecycleAct,
    workflowId: string,
    { by, etag, reason }: ChangeOptions & { readonly reason: string },
  ): Promise<Changed<WorkflowRow>> {
    const id = workflowId.toLowerCase();
    const { correlationId, row } = await this.#carryOut(by, false, async () => {
      const known = await readKnownVersion(this.#parts.database, id);
      if (known === undefined) throw workflowNotFound(id);
      checkEtag(etag, known.row, `version ${known.row.version} of workflow ${known.row.workflow_name}`);
      return planned(decideTransition(act, known, reason, stampNow(by)), reason);
    });
    return { row, correlationId };
  }

  async #actionType(actionType: string, etag: string) {
    const known = await readActionType(this.#parts.database, actionType);
    if (known === undefined) throw actionTypeNotFound(actionType);
    checkEtag(etag, known.row, `action type ${actionType}`);
    return known;
  }

  /** Looks, decides and commits until the catalog is still in the state that was decided on. */
  async #carryOut<D extends Decision<ActionTypeRow | WorkflowRow>>(
    by: string,
    validateOnly: boolean,
    look: () => Promise<Plan<D | Denial>>,
  ): Promise<{ decision: D; row: D["row"]; correlationId: string }> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (attempt > PAUSE_FROM) await sleep(Math.random() * 2 ** Math.min(attempt - PAUSE_FROM, 7));
      const { decision, events } = await look();
      failpoint("catalog.read");
      const correlationId = newChangeId();
      if ("denied" in decision) {
        if (await commit(this.#parts, [], events(correlationId), by)) throw decision.denied;
        continue;
      }
      if (validateOnly || decision.writes.length === 0) return { decision, row: decision.row, correlationId: "" };
      const revisions = await commit(this.#parts, decision.writes, events(correlationId), by);
      if (revisions === undefined) continue;
      return { decision, row: { ...decision.row, revision: revisions.at(-1) as string }, correlationId };
    }
    throw unavailable("changes of the catalog keep losing races to others", undefined);
  }
}

function planned<D extends Decision<unknown>>(decision: D, reason?: string): Plan<D> {
  return { decision, events: (correlationId) => changeEvents(decision.writes, correlationId, reason) };
}
