import { setTimeout as wait } from "node:timers/promises";
import { FAULTS, WIPES } from "./faults/all.ts";
import type { Fault, FaultResult } from "./faults/fault.ts";
import type { Options } from "./options.ts";
import { Random } from "./random.ts";
import { type Entry, schedule } from "./schedule.ts";
import type { Stage } from "./stage/stage.ts";
import type { Tally } from "./tally.ts";

/** The shortest fault and the shortest pause between two, in milliseconds. */
const SHORTEST_MS = 500;
const PAUSE_MS = 300;
/** Milliseconds after which a fault counts as hanging: a defect of the hammer. */
const HANGING_MS = 180_000;

/** The faults of a run on this stage, and why others are left out. */
export function chooseFaults(stage: Stage, { wipe, only }: Options): { groups: Fault[][]; leftOut: string[] } {
  const wanted = ({ kind }: Fault) => only.length === 0 || only.some((word) => kind.includes(word));
  const leftOut: string[] = [];
  const possible = FAULTS.filter(wanted).filter((fault) => {
    const reason = fault.missing?.(stage);
    if (reason !== undefined) leftOut.push(`${fault.name}: ${reason}`);
    return reason === undefined;
  });
  const log = possible.filter(({ kind }) => /^(log_|failpoint log\.)/.test(kind));
  const failpoints = possible.filter((fault) => fault.kind.startsWith("failpoint ") && !log.includes(fault));
  const others = possible.filter((fault) => !failpoints.includes(fault) && !log.includes(fault));
  const groups = wipe ? [WIPES.filter(wanted), others, failpoints, log] : [others, others, failpoints, log];
  return { groups: groups.filter((group) => group.length > 0), leftOut };
}

/** Breaks things by the schedule until the time is over, and returns with everything whole again. */
export async function breakThings(
  stage: Stage,
  options: Options,
  tally: Tally,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { groups, leftOut } = chooseFaults(stage, options);
  for (const line of leftOut) tell(`left out: ${line}`);
  const begun = performance.now();
  const elapsed = () => performance.now() - begun;
  const endMs = options.minutes * 60_000;
  const { seed, faultsPerMinute, longestMs } = options;
  const entries = schedule({ seed, groups, perMinute: faultsPerMinute, shortestMs: SHORTEST_MS, longestMs });
  let running = Promise.resolve();
  for (const entry of entries) {
    if (signal.aborted || entry.atMs > endMs || elapsed() > endMs) break;
    if (!entry.overlaps) {
      await running;
      await wait(Math.max(PAUSE_MS, entry.atMs - elapsed()), undefined, { signal }).catch(() => {});
    }
    if (signal.aborted || elapsed() > endMs) break;
    const one = breakOne(stage, entry, elapsed, tally, tell);
    running = Promise.all([running, one]).then(() => {});
    // Two overlap when the second begins in the midst of the first.
    if (entry.overlaps) continue;
    await Promise.race([one, wait(entry.ms / 2)]);
  }
  await running;
  await stage.up();
}

async function breakOne(
  stage: Stage,
  { fault, number, ms, seed, overlaps }: Entry<Fault>,
  elapsed: () => number,
  tally: Tally,
  tell: (line: string) => void,
): Promise<void> {
  const at = clock(elapsed());
  stage.note(`fault ${number}: ${fault.name}, ${ms} ms`);
  const result = await Promise.race([
    fault
      .run({ stage, ms, random: new Random(seed) })
      .catch(
        (error: unknown): FaultResult => ({ missed: `failed: ${error instanceof Error ? error.message : error}` }),
      ),
    hanging(fault),
  ]);
  tally.add(fault, result);
  const what = "did" in result ? result.did : `NOT DONE, ${result.missed}`;
  const line = `${at} ${String(number).padStart(4)}${overlaps ? " +" : "  "} ${fault.name}: ${what}`;
  stage.note(`fault ${number} is over: ${what}`);
  tell(line);
}

async function hanging({ name }: Fault): Promise<never> {
  await wait(HANGING_MS, undefined, { ref: false });
  throw new Error(`the fault "${name}" did not come to its end`);
}

/** Minutes and seconds. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}
