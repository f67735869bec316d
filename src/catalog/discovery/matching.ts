import type { Database } from "../../postgres/database.ts";
import { readEach } from "../../postgres/read.ts";
import type { WorkflowRow } from "../rows.ts";
import type { WorkflowsQuery } from "./discovery_page.ts";
import { planMatching, type WorkflowCursor } from "./discovery_statements.ts";
import type { Contribution } from "./match.ts";
import { ReplySize } from "./reply_size.ts";

/** A workflow that matches. */
export interface Match {
  readonly row: WorkflowRow;
  readonly points: number;
  /** What each label gave; only where an explanation was asked for. */
  readonly contributions?: readonly Contribution[];
}

/** A page of the workflows that match, the best first. */
export interface MatchPage {
  readonly matches: readonly Match[];
  /** Where the next page begins; undefined at the end. */
  readonly next: WorkflowCursor | undefined;
  /** Workflows of all pages, and of those before. */
  readonly total: number;
  readonly shown: number;
}

/** What the pages of step 2 are read with. */
export interface MatchRequest {
  readonly query: WorkflowsQuery;
  readonly after: WorkflowCursor | undefined;
  readonly pageSize: number;
  readonly signal: AbortSignal;
}

type ScoredRow = WorkflowRow & { readonly points: number; readonly total: number; readonly shown: number };

/** A page of step 2, matched and ordered by the database. */
export async function readMatching(
  database: Database,
  { query, after, pageSize, signal }: MatchRequest,
): Promise<MatchPage> {
  const statement = planMatching(query.actionType, query.context, after, pageSize + 1);
  const size = new ReplySize();
  const rows: ScoredRow[] = [];
  const more = await readEach<ScoredRow>(database, statement, signal, (row) => {
    if (rows.length === pageSize || !size.fits(row, row.execution)) return false;
    rows.push(row);
    return true;
  });
  const last = rows.at(-1);
  return {
    matches: rows.map((row) => ({ row, points: row.points })),
    next: more && last !== undefined ? { points: last.points, workflowId: last.workflow_id } : undefined,
    total: last?.total ?? 0,
    shown: last?.shown ?? 0,
  };
}
