import type { Random } from "../random.ts";
import type { Stage } from "../stage/stage.ts";

/** What a fault is done to. Two that overlap are done to different things. */
export type Target = "service" | "postgres" | "valkey" | "postgres_link" | "valkey_link" | "everything";

/** How one fault is done, worked out by the schedule. */
export interface FaultRun {
  readonly stage: Stage;
  /** Draws what the fault leaves open: how, where, how much. */
  readonly random: Random;
  /** How long it lasts. */
  readonly ms: number;
}

/** What became of a fault: what it did in particular, for people; or `missed`: it did not take place, and why. */
export type FaultResult = { readonly did: string } | { readonly missed: string };

/** One way to make life hard. */
export interface Fault {
  readonly name: string;
  /** What counts as one kind; kills at different failpoints are kinds of their own. */
  readonly kind: string;
  readonly target: Target;
  /** Why it cannot be done on this stage; undefined where it can. */
  missing?(stage: Stage): string | undefined;
  /** Does it and undoes it. What it did is undone also when it fails. */
  run(run: FaultRun): Promise<FaultResult>;
}
