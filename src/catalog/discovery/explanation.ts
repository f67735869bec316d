import type { Database } from "../../postgres/database.ts";
import { readEach } from "../../postgres/read.ts";
import type { WorkflowRow } from "../rows.ts";
import { planCandidates, planChosen, type WorkflowCursor } from "./discovery_statements.ts";
import { type Contribution, judge, type Labelled } from "./match.ts";
import type { Match, MatchPage, MatchRequest } from "./matching.ts";
import { ReplySize } from "./reply_size.ts";

/** A workflow that discovery could find if it matched. */
export interface Excluded {
  readonly workflowId: string;
  readonly workflowName: string;
  readonly version: string;
  /** The labels that left it out. */
  readonly excludedBy: readonly Contribution[];
}

/** A page of step 2 with the reasons. */
export interface ExplainedPage extends MatchPage {
  /** By name; fewer than there are where they are many. */
  readonly excluded: readonly Excluded[];
  readonly excludedCount: number;
}

/** Excluded workflows that are told at most, and their bytes as JSON. */
const EXCLUDED_TOLD = 1000;
const EXCLUDED_BYTES = 1024 * 1024;

/**
 * A page of step 2, matched and ordered by match.ts, which tells the reasons. It looks at every workflow of the action type,
 * and holds of each that matches no more than its place.
 */
export async function readExplained(database: Database, request: MatchRequest): Promise<ExplainedPage> {
  const { query, after, pageSize, signal } = request;
  const excluded = new ExcludedList();
  const places: WorkflowCursor[] = [];
  await readEach<CandidateRow>(database, planCandidates(query.actionType), signal, (row) => {
    const { points, excludedBy } = judge(query.context, row);
    if (excludedBy.length > 0) excluded.add(row, excludedBy);
    else places.push({ points, workflowId: row.workflow_id });
    return true;
  });
  places.sort(inOrder);
  const shown = after === undefined ? 0 : places.filter((place) => inOrder(place, after) <= 0).length;
  const chosen = places.slice(shown, shown + pageSize);
  const size = new ReplySize();
  size.add(excluded.bytes);
  const { matches, cut } = await readChosen(database, request, chosen, size);
  const last = cut ? placeOf(matches.at(-1) as Match) : chosen.at(-1);
  const more = cut || shown + chosen.length < places.length;
  return {
    matches,
    next: more ? last : undefined,
    total: places.length,
    shown,
    excluded: excluded.told,
    excludedCount: excluded.count,
  };
}

type CandidateRow = Labelled & Pick<WorkflowRow, "workflow_id" | "workflow_name" | "version">;

/** The chosen workflows as they are in the meantime, up to a full reply. */
async function readChosen(
  database: Database,
  { query, signal }: MatchRequest,
  chosen: readonly WorkflowCursor[],
  size: ReplySize,
): Promise<{ matches: Match[]; cut: boolean }> {
  const matches: Match[] = [];
  if (chosen.length === 0) return { matches, cut: false };
  const statement = planChosen(chosen.map(({ workflowId }) => workflowId));
  const cut = await readEach<WorkflowRow>(database, statement, signal, (row) => {
    const { points, contributions } = judge(query.context, row);
    if (!size.fits({ ...row, contributions }, row.execution)) return false;
    matches.push({ row, points, contributions });
    return true;
  });
  return { matches, cut };
}

/** ORDER BY points DESC, workflow_id. */
function inOrder(a: WorkflowCursor, b: WorkflowCursor): number {
  if (a.points !== b.points) return b.points - a.points;
  return a.workflowId < b.workflowId ? -1 : a.workflowId > b.workflowId ? 1 : 0;
}

function placeOf({ row, points }: Match): WorkflowCursor {
  return { points, workflowId: row.workflow_id };
}

/** The first of those that were left out, and how many there are. */
class ExcludedList {
  readonly told: Excluded[] = [];
  count = 0;
  bytes = 0;

  add({ workflow_id, workflow_name, version }: CandidateRow, excludedBy: readonly Contribution[]): void {
    this.count++;
    // None after the first that has no room, so that those that are told are the first by name.
    if (this.told.length < Math.min(EXCLUDED_TOLD, this.count - 1)) return;
    const excluded = { workflowId: workflow_id, workflowName: workflow_name, version, excludedBy };
    const bytes = Buffer.byteLength(JSON.stringify(excluded));
    if (this.told.length === EXCLUDED_TOLD || this.bytes + bytes > EXCLUDED_BYTES) return;
    this.told.push(excluded);
    this.bytes += bytes;
  }
}
