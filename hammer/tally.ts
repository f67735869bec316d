import type { Fault, FaultResult } from "./faults/fault.ts";

/** What became of the faults of a campaign. */
export class Tally {
  /** Faults that took place, by kind. */
  readonly done = new Map<string, number>();
  /** Faults that did not, each with the reason. */
  readonly missed: string[] = [];

  add({ kind, name }: Fault, result: FaultResult): void {
    if ("missed" in result) this.missed.push(`${name}: ${result.missed}`);
    else this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
  }

  get total(): number {
    return [...this.done.values()].reduce((sum, count) => sum + count, 0);
  }
}
