import type { Violation } from "../../fault.ts";

/** What became of one event; the words of RecordOutcome. */
export type Outcome =
  | { readonly kind: "recorded"; readonly eventHash: string; readonly chainPosition: number }
  /** `eventHash` is empty when retention has removed the first one. */
  | { readonly kind: "duplicate"; readonly eventHash: string; readonly chainPosition: number }
  | { readonly kind: "conflict" }
  | { readonly kind: "rejected"; readonly violations: readonly Violation[] }
  /** On the queue's disk, and not in the database yet. */
  | { readonly kind: "queued" };
