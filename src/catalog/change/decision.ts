import type { Fault } from "../../fault.ts";
import type { WorkflowContent } from "../content/content.ts";
import type { ActionTypeRow, WorkflowRow } from "../rows.ts";

/** What a registration, or a new description, did. */
export type RegistrationResult = "created" | "unchanged" | "updated" | "reenabled" | "superseded_previous";

/** Who makes a change, and when; of the rules nothing comes from the air. */
export interface Stamp {
  /** The authenticated caller; at most 255 code points, as the columns have it. */
  readonly by: string;
  /** PostgreSQL's text of a timestamptz in UTC. */
  readonly at: string;
}

/** A row that a change makes: absent `before`, it is new. `after` has an empty revision until it is written. */
export type Write =
  | { readonly table: "action_type"; readonly before: ActionTypeRow | undefined; readonly after: ActionTypeRow }
  | { readonly table: "workflow"; readonly before: WorkflowRow; readonly after: WorkflowRow }
  | {
      readonly table: "workflow";
      readonly before: undefined;
      readonly after: WorkflowRow;
      readonly content: WorkflowContent;
    };

/** What is to be done, as the rules have it for one state of the catalog. */
export interface Decision<Row> {
  /** In this order: what gives up a place comes before what takes it. Empty: everything is as wanted already. */
  readonly writes: readonly Write[];
  /** The row that was asked about, afterwards: of the last write, or as it is where there is none. */
  readonly row: Row;
}

/** What is to be done for a registration. */
export interface Registration<Row> extends Decision<Row> {
  readonly result: RegistrationResult;
  /** The version that was active until now; empty where there was none. */
  readonly supersededVersion: string;
}

/** A change that the rules refuse, and that is recorded all the same. */
export interface Denial {
  readonly denied: Fault;
}
