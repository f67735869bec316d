import type postgres from "postgres";
import type { Found } from "../finding.ts";
import type { LogRuns } from "./log_runs.ts";
import type { TailedLog } from "./tailed_log.ts";

const PAGE = 5000;

interface Row {
  readonly event_id: string;
  readonly correlation_id: string;
  readonly chain_position: string;
}

/** Reads audit_events once: every event has one index, every index below `size` one event, and the tail gave that one there. */
export async function compareEvents(
  sql: postgres.Sql,
  runs: LogRuns,
  size: number,
  tailed: TailedLog,
  index: Found,
): Promise<void> {
  const seen = new Uint8Array(size);
  const query = sql<Row[]>`SELECT event_id, correlation_id, chain_position FROM audit_events`;
  await query.cursor(PAGE, (rows) => {
    for (const { event_id: id, correlation_id: chain, chain_position: place } of rows) {
      const at = runs.indexOf(chain, Number(place));
      if (at === undefined || at >= size) {
        index.add(() => `${id}, place ${place} of ${chain}, has no index`);
        continue;
      }
      if (seen[at] === 1) index.add(() => `${id}, place ${place} of ${chain}, shares index ${at}`);
      seen[at] = 1;
      const given = tailed.idAt(at);
      if (given !== id)
        tailed.found.add(() => `the tail gave ${given ?? "nothing"} at index ${at}, where ${id} stands`);
    }
  });
  for (let at = seen.indexOf(0); at >= 0; at = seen.indexOf(0, at + 1)) {
    const missing = at;
    index.add(() => `index ${missing} has no event`);
  }
  if (tailed.end > size) tailed.found.add(() => `the tail came to ${tailed.end} of ${size} entries`);
}
