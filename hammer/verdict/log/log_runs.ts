import type postgres from "postgres";
import { Found } from "../finding.ts";

/** Consecutive places of a chain in the log. */
interface Run {
  readonly firstLogIndex: number;
  readonly firstPosition: number;
  readonly eventCount: number;
}

/** Where every event stands in the log, by its correlation and place. */
export class LogRuns {
  readonly #chains = new Map<string, Run[]>();

  /** The place of its chain that comes next. */
  next(correlationId: string): number {
    const last = this.#chains.get(correlationId)?.at(-1);
    return last === undefined ? 1 : last.firstPosition + last.eventCount;
  }

  add(correlationId: string, run: Run): void {
    const runs = this.#chains.get(correlationId);
    if (runs === undefined) this.#chains.set(correlationId, [run]);
    else runs.push(run);
  }

  /** Undefined: it has none. */
  indexOf(correlationId: string, position: number): number | undefined {
    const runs = this.#chains.get(correlationId) ?? [];
    let [low, high] = [0, runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle] as Run).firstPosition <= position) low = middle + 1;
      else high = middle;
    }
    const run = runs[low - 1];
    if (run === undefined || position >= run.firstPosition + run.eventCount) return undefined;
    return run.firstLogIndex + position - run.firstPosition;
  }
}

const PAGE = 5000;

interface Row {
  readonly first_log_index: string;
  readonly event_count: number;
  readonly correlation_id: string;
  readonly first_position: string;
}

/**
 * Reads audit_log_runs in the order of the log: indexes have no gap and none is given twice, and within each chain they go by
 * the places, none of which is left out.
 */
export async function readRuns(sql: postgres.Sql): Promise<{ runs: LogRuns; size: number; found: Found }> {
  const runs = new LogRuns();
  const found = new Found();
  let size = 0;
  const query = sql<
    Row[]
  >`SELECT first_log_index, event_count, correlation_id, first_position FROM audit_log_runs ORDER BY first_log_index`;
  await query.cursor(PAGE, (rows) => {
    for (const { first_log_index, event_count: eventCount, correlation_id: chain, first_position } of rows) {
      const [firstLogIndex, firstPosition] = [Number(first_log_index), Number(first_position)];
      if (firstLogIndex !== size) found.add(() => `index ${size} should come next, and ${firstLogIndex} does`);
      const next = runs.next(chain);
      if (firstPosition !== next) {
        found.add(
          () => `${chain}: place ${firstPosition} follows in the log where ${next} should, at ${firstLogIndex}`,
        );
      }
      runs.add(chain, { firstLogIndex, firstPosition, eventCount });
      size = firstLogIndex + eventCount;
    }
  });
  const [state] = await sql<{ size: string; pending: string }[]>`
    SELECT size, (SELECT coalesce(sum(event_count), 0) FROM audit_log_pending) AS pending FROM audit_log_state`;
  if (Number(state?.size) !== size) found.add(() => `the log is said to have ${state?.size} entries, and has ${size}`);
  if (Number(state?.pending) > 0) found.add(() => `${state?.pending} events still wait for an index`);
  return { runs, size, found };
}
