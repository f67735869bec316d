import postgres from "postgres";
import type { Verifier } from "../../../src/integrity/note/signed_note.ts";
import type { Finding } from "../finding.ts";
import { compareCheckpoints } from "./compare_checkpoints.ts";
import { compareEvents } from "./compare_events.ts";
import { readRuns } from "./log_runs.ts";
import { readTail } from "./tailed_log.ts";

export interface LogVerdictOptions {
  /** The database, as one who may read all of it. */
  readonly databaseUrl: string;
  /** What the tail got: TailLine by line. */
  readonly tailFile: string;
  /** The checkpoints that were collected: CheckpointLine by line. */
  readonly checkpointsFile: string;
  /** The log's keys under an origin. */
  readonly verifiers: (origin: string) => readonly Verifier[];
}

/** Whether the log is what it promises, and whether those who read it while things broke were told the same. */
export interface LogVerdict {
  readonly size: number;
  /** Published checkpoints that were seen, each size once. */
  readonly checkpoints: number;
  /** Indexes that are missing or given twice, chains whose places do not rise, events without an index, indexes without an event. */
  readonly index: Finding;
  /** What the tail left out, gave twice, in another order, or gave as another event than stands there. */
  readonly tail: Finding;
  /** Checkpoints that no key of the log signed, that went back, or that contradict another one or the tree. */
  readonly checkpoint: Finding;
}

/** Compares what was read while things broke with the database as it is. Takes some 40 bytes of memory an event. */
export async function logVerdict(options: LogVerdictOptions): Promise<LogVerdict> {
  const { databaseUrl, tailFile, checkpointsFile, verifiers } = options;
  const tailed = await readTail(tailFile);
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const { runs, size, found: index } = await readRuns(sql);
    await compareEvents(sql, runs, size, tailed, index);
    const { checkpoints, found } = await compareCheckpoints(databaseUrl, checkpointsFile, verifiers);
    return { size, checkpoints, index, tail: tailed.found, checkpoint: found };
  } finally {
    await sql.end();
  }
}
