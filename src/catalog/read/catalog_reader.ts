import { parseTimestamp, timestampText } from "../../audit/timestamp.ts";
import { invalid } from "../../fault.ts";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { Database } from "../../postgres/database.ts";
import { readEach, readRows } from "../../postgres/read.ts";
import type { Statement } from "../../postgres/statement.ts";
import { actionTypeNotFound, workflowNotFound } from "../faults.ts";
import type { ActionTypeRow, ActionTypeState, FullWorkflowRow, WorkflowRow } from "../rows.ts";
import {
  actionTypesAfter,
  actionTypesToken,
  type WorkflowsFilter,
  workflowsCursor,
  workflowsToken,
} from "./queries.ts";
import {
  countActive,
  selectActionType,
  selectActionTypes,
  selectSpecs,
  selectWorkflowById,
  selectWorkflowByName,
  selectWorkflows,
} from "./statements.ts";

/** A version of a workflow: by its id, or by name and version; an empty version is the latest. */
export interface WorkflowName {
  readonly workflowId: string;
  readonly workflowName: string;
  readonly version: string;
}

/** A page of a list, and how its rows become what is answered. */
export interface PageRequest<R, T> {
  readonly pageSize: number;
  readonly pageToken: string;
  /** Undefined: the page is full and ends before that row; never of its first. */
  readonly accept: (row: R) => T | undefined;
}

export interface Page<T> {
  readonly items: T[];
  /** Empty at the end. */
  readonly nextPageToken: string;
}

/**
 * Reads the catalog as it is now. Every statement is cancelled in the database when `signal` is aborted; each call fails as
 * readRows does where the database cannot answer.
 */
export class CatalogReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws Fault `not_found`. */
  async getActionType(actionType: string, signal: AbortSignal): Promise<ActionTypeRow> {
    const [row] = await readRows<ActionTypeRow>(this.#database, selectActionType(actionType), signal);
    if (row === undefined) throw actionTypeNotFound(actionType);
    return row;
  }

  /** A page of action types, by name. @throws Fault `invalid` for a bad page token. */
  async listActionTypes<T>(
    status: ActionTypeState | undefined,
    request: PageRequest<ActionTypeRow, T>,
    signal: AbortSignal,
  ): Promise<Page<T>> {
    const statement = selectActionTypes(status, actionTypesAfter(status, request.pageToken), request.pageSize + 1);
    const tokenAfter = (row: ActionTypeRow) => actionTypesToken(status, row.action_type);
    return this.#page(statement, request, tokenAfter, signal);
  }

  /** Workflows with an active version under an action type. @throws Fault `not_found` where there is none of that name. */
  async countActiveWorkflows(actionType: string, signal: AbortSignal): Promise<number> {
    const [row] = await readRows<{ count: number }>(this.#database, countActive(actionType), signal);
    if (row === undefined) throw actionTypeNotFound(actionType);
    return row.count;
  }

  /** @throws Fault `not_found`; `invalid` when the names are neither an id nor a name with or without a version. */
  async getWorkflow(names: WorkflowName, view: "full", signal: AbortSignal): Promise<FullWorkflowRow>;
  async getWorkflow(names: WorkflowName, view: "basic", signal: AbortSignal): Promise<WorkflowRow>;
  async getWorkflow(names: WorkflowName, view: "full" | "basic", signal: AbortSignal): Promise<WorkflowRow> {
    refuseAmbiguous(names);
    const { workflowId, workflowName, version } = names;
    const statement =
      workflowId === ""
        ? selectWorkflowByName(workflowName, version, view === "full")
        : selectWorkflowById(workflowId.toLowerCase(), view === "full");
    const [row] = await readRows<WorkflowRow>(this.#database, statement, signal);
    if (row === undefined) throw workflowNotFound(workflowId || `${workflowName}${version && ` ${version}`}`);
    return row;
  }

  /** A page of versions, by name, of one workflow the one registered last first. @throws Fault `invalid` for a bad page token. */
  async listWorkflows<T>(
    filter: WorkflowsFilter,
    request: PageRequest<WorkflowRow, T>,
    signal: AbortSignal,
  ): Promise<Page<T>> {
    const statement = selectWorkflows(filter, workflowsCursor(filter, request.pageToken), request.pageSize + 1);
    const tokenAfter = (row: WorkflowRow) => workflowsToken(filter, cursorAt(row));
    return this.#page(statement, request, tokenAfter, signal);
  }

  /** A page of the rows of a statement, which asks for one more than the page holds. */
  async #page<R extends object, T>(
    statement: Statement,
    { pageSize, accept }: PageRequest<R, T>,
    tokenAfter: (row: R) => string,
    signal: AbortSignal,
  ): Promise<Page<T>> {
    const items: T[] = [];
    let last: R | undefined;
    const more = await readEach<R>(this.#database, statement, signal, (row) => {
      const item = items.length < pageSize ? accept(row) : undefined;
      if (item === undefined) return false;
      items.push(item);
      last = row;
      return true;
    });
    return { items, nextPageToken: more && last !== undefined ? tokenAfter(last) : "" };
  }

  /** The registered specs of two versions of a workflow. @throws Fault `not_found` where there is no such version. */
  async getSpecs(
    workflowName: string,
    versions: readonly [from: string, to: string],
    signal: AbortSignal,
  ): Promise<{ from: JsonObject; to: JsonObject }> {
    const statement = selectSpecs(workflowName, versions);
    const rows = await readRows<{ version: string; schema_data: JsonObject }>(this.#database, statement, signal);
    const specOf = (version: string) => {
      const row = rows.find((found) => found.version === version);
      if (row === undefined) throw workflowNotFound(`${workflowName} ${version}`);
      return row.schema_data;
    };
    return { from: specOf(versions[0]), to: specOf(versions[1]) };
  }
}

function refuseAmbiguous({ workflowId, workflowName, version }: WorkflowName): void {
  if (workflowId === "") {
    if (workflowName !== "") return;
    if (version !== "") throw invalid([{ field: "workflow_name", description: "is required where version is given" }]);
    throw invalid([{ field: "workflow_id", description: "is required where workflow_name is not given" }]);
  }
  const violations = Object.entries({ workflow_name: workflowName, version })
    .filter(([, given]) => given !== "")
    .map(([field]) => ({ field, description: "must be empty where workflow_id is given" }));
  if (violations.length > 0) throw invalid(violations);
}

function cursorAt(row: WorkflowRow) {
  return {
    workflowName: row.workflow_name,
    createdAt: timestampText(parseTimestamp(row.created_at)),
    workflowId: row.workflow_id,
  };
}
