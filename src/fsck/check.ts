import type { Snapshot } from "../postgres/snapshot.ts";
import type { CheckName, Evidence, FaultKind } from "./findings.ts";

/** Where a check tells what it finds. */
export interface Report<Check extends CheckName> {
  fault(kind: FaultKind<Check>, evidence: Evidence): Promise<void>;
  note(text: string): void;
  /** How many were looked at so far. */
  progress(done: number): void;
}

/** What a check works on. */
export interface CheckContext<Check extends CheckName> {
  readonly snapshot: Snapshot;
  readonly report: Report<Check>;
}
