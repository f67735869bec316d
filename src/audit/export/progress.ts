import type { Database } from "../../postgres/database.ts";
import { readRows } from "../../postgres/read.ts";

/** How far an export has come. */
export class ExportTally {
  /** Last index that was looked at. */
  upTo = -1;
  events = 0;
  bytes = 0;
}

/** How many entries before `end` an export looks at: of one correlation only its own. */
export async function entriesBefore(
  database: Database,
  correlationId: string | undefined,
  end: number,
  signal: AbortSignal,
): Promise<number> {
  if (correlationId === undefined) return end;
  const statement = {
    text: `SELECT coalesce(sum(least(event_count, $2::text::bigint - first_log_index)), 0)::text AS entries
      FROM audit_log_runs WHERE correlation_id = $1 AND first_log_index < $2::text::bigint`,
    parameters: [correlationId, String(end)],
  };
  const [row] = await readRows<{ entries: string }>(database, statement, signal);
  return Number(row?.entries);
}

/** Milliseconds after which progress is told: twice as often as promised. */
const PROGRESS_MS = 500;

/** The same chunks, and `progress` among them every half second, also while the next chunk is waited for. */
export async function* withProgress<Chunk, Progress>(
  chunks: AsyncIterable<Chunk>,
  progress: () => Promise<Progress>,
): AsyncGenerator<{ readonly chunk: Chunk } | { readonly progress: Progress }> {
  const source = chunks[Symbol.asyncIterator]();
  let dueAt = performance.now() + PROGRESS_MS;
  let next: Promise<IteratorResult<Chunk>> | undefined;
  try {
    for (;;) {
      next = source.next();
      next.catch(() => {});
      while (!(await isSettledBefore(next, dueAt))) {
        dueAt = performance.now() + PROGRESS_MS;
        yield { progress: await progress() };
      }
      const { done, value } = await next;
      if (done) return;
      yield { chunk: value };
    }
  } finally {
    await source.return?.();
  }
}

/** Whether a promise is settled before a time of performance.now; false at once where that has passed. */
async function isSettledBefore(promise: Promise<unknown>, timeMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    const leftMs = timeMs - performance.now();
    if (leftMs <= 0) resolve(false);
    else timer = setTimeout(resolve, leftMs, false);
  });
  try {
    const settled = () => true;
    return await Promise.race([late, promise.then(settled, settled)]);
  } finally {
    clearTimeout(timer);
  }
}
