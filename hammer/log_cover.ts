import { setTimeout as wait } from "node:timers/promises";
import type { Readers } from "./readers/readers.ts";
import type { Stage } from "./stage/stage.ts";

/** Milliseconds until everything has an index, is covered by a published checkpoint, and was given to the tail. */
const LAST_MS = 60_000;
const LOOK_MS = 100;

/** How the log came to its end when nothing was broken any more. */
export interface LastCover {
  /** Events that have no index, or that no published checkpoint covers; 0 as it should be. */
  readonly uncovered: number;
  /** Events that have an index and were not given to the tail. */
  readonly untold: number;
  /** Until everything was covered, and until all of it was given to the tail as well; so far, where it never was. */
  readonly coveredSeconds: number;
  readonly toldSeconds: number;
}

/** Waits until the log has come to its end, and those who read it as well; or until it must have. */
export async function untilCovered(stage: Stage, readers: Readers): Promise<LastCover> {
  const begun = performance.now();
  let coveredSeconds: number | undefined;
  for (;;) {
    const { pending, size, published } = await lookAt(stage);
    const uncovered = pending + size - published;
    const untold = size - 1 - readers.progress.upTo;
    const toldSeconds = (performance.now() - begun) / 1000;
    if (uncovered === 0) coveredSeconds ??= toldSeconds;
    if ((uncovered === 0 && untold === 0) || toldSeconds * 1000 > LAST_MS) {
      return { uncovered, untold, coveredSeconds: coveredSeconds ?? toldSeconds, toldSeconds };
    }
    await wait(LOOK_MS);
  }
}

async function lookAt(stage: Stage): Promise<{ pending: number; size: number; published: number }> {
  const [row] = await stage.postgres.admin(
    (sql) => sql<{ pending: string; size: string; published: string }[]>`
      SELECT size, published_size AS published, (SELECT coalesce(sum(event_count), 0) FROM audit_log_pending) AS pending
      FROM audit_log_state`,
  );
  return { pending: Number(row?.pending), size: Number(row?.size), published: Number(row?.published) };
}
