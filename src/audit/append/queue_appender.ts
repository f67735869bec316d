import { Fault } from "../../fault.ts";
import type { Availability } from "../../postgres/availability.ts";
import type { Database } from "../../postgres/database.ts";
import { classifyError } from "../../postgres/errors.ts";
import type { PreparedEvent } from "../prepare.ts";
import { type AppenderParts, append, Fenced, Refused } from "./appender.ts";
import type { Outcome } from "./outcome.ts";
import { takeQueue } from "./statements.ts";

/**
 * How an append of what waited in the queue ended. Events that were not settled are still open.
 *
 * - `done`: every event was settled.
 * - `away`: an outage, or an unknown fate; says nothing about the events.
 * - `refused`: the database refuses one of them, and it was not to be found out which. Nothing was written.
 * - `defect`: the schema or the statement is wrong; an operator must look. Nothing was written.
 * - `fenced`: another drainer has taken over. Nothing was written.
 */
export type AppendEnd =
  | { readonly end: "done" }
  | { readonly end: "away"; readonly cause: unknown }
  | { readonly end: "refused"; readonly cause: unknown; readonly detail: string }
  | { readonly end: "defect"; readonly cause: unknown }
  | { readonly end: "fenced" };

/** Stores what waited in the queue, over a connection of its own. */
export interface QueueAppender {
  /** Whether the database can be written, as far as is known. */
  readonly available: boolean;
  /** Calls the listener at each change. */
  onAvailable(listener: () => void): void;
  /** Makes the caller the one drainer of the queue with this name; rejects when the database is away. */
  takeFence(epoch: string): Promise<{ fence: bigint; previousEpoch: string | undefined }>;
  /**
   * Appends events whose ids differ. `split`: an event that the database refuses is settled as rejected, and the others are
   * stored; else all are refused together.
   */
  append(
    fence: bigint,
    events: readonly PreparedEvent[],
    settle: (event: PreparedEvent, outcome: Outcome) => void,
    options: { readonly split: boolean },
  ): Promise<AppendEnd>;
  /** Tells the listeners. */
  changed(): void;
}

export function openQueueAppender(
  connection: Database,
  availability: Availability,
  parts: Omit<AppenderParts, "fence" | "whole">,
): QueueAppender {
  const listeners: (() => void)[] = [];
  return {
    get available() {
      return availability.available;
    },
    onAvailable: (listener) => void listeners.push(listener),
    takeFence: (epoch) => connection.run((sql) => takeQueue(sql, epoch)),
    async append(fence, events, settle, { split }) {
      try {
        await append(connection, events, settle, { ...parts, fence, whole: !split });
        return { end: "done" };
      } catch (error) {
        return endOf(error);
      }
    },
    changed() {
      for (const listener of listeners) listener();
    },
  };
}

function endOf(error: unknown): AppendEnd {
  if (error instanceof Fenced) return { end: "fenced" };
  if (error instanceof Refused) return { end: "refused", cause: error.cause, detail: error.message };
  if (!(error instanceof Fault)) return { end: "defect", cause: error };
  const { cause } = error;
  if (cause !== undefined && classifyError(cause) === "defect") return { end: "defect", cause };
  return { end: "away", cause: cause ?? error };
}
