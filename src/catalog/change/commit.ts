import { unavailable } from "../../audit/append/appender.ts";
import { linkEvents } from "../../audit/append/chain.ts";
import { type OwnEvent, prepareOwnEvents } from "../../audit/own_event.ts";
import type { PreparedEvent } from "../../audit/prepare.ts";
import { failpoint } from "../../failpoint.ts";
import { Fault } from "../../fault.ts";
import type { Database } from "../../postgres/database.ts";
import { classifyError, sqlState } from "../../postgres/errors.ts";
import { changeCatalog } from "./catalog_statements.ts";
import type { Write } from "./decision.ts";

export interface CommitParts {
  readonly database: Database;
  /** Makes the month's partition where it is wanted and missing. */
  readonly ensureMonths: (eventDates: Iterable<string>) => Promise<void>;
  /** Told of the events of each change, for the metrics. */
  readonly onRecorded?: (events: readonly PreparedEvent[]) => void;
  /** Told of an error of the database that an operator must look at. */
  readonly onDefect?: (error: unknown) => void;
}

/**
 * Makes the writes of one decision and records their events, in one transaction. Gives the revisions of the written rows;
 * undefined where the catalog is no longer in the state that was decided on: nothing was written.
 *
 * The events are of one correlation that is new. They are prepared anew, with ids of their own, at every try.
 *
 * @throws Fault `unavailable` when the database cannot take it now: the fate of the change is unknown. Fault `precondition`
 * (DATABASE_REFUSES) when it never will.
 */
export async function commit(
  parts: CommitParts,
  writes: readonly Write[],
  events: readonly OwnEvent[],
  by: string,
): Promise<readonly string[] | undefined> {
  const prepared = await prepareOwnEvents(events, by);
  try {
    await parts.ensureMonths(prepared.map(({ eventDate }) => eventDate));
    const linked = linkEvents(prepared, () => undefined);
    failpoint("catalog.send");
    const { answer, revisions } = await parts.database.run((sql) => changeCatalog(sql, writes, linked.arguments));
    failpoint("catalog.answered");
    if (answer !== "appended") return undefined;
    parts.onRecorded?.(prepared);
    return revisions;
  } catch (error) {
    if (isRaceLost(error)) return undefined;
    throw toFault(error, parts);
  }
}

/** Whether the database says that a statement lost a race, and wrote nothing. */
export function isRaceLost(error: unknown): boolean {
  return !(error instanceof Fault) && classifyError(error) === "again";
}

function toFault(error: unknown, { onDefect }: CommitParts): Fault {
  if (error instanceof Fault) return error;
  switch (classifyError(error)) {
    case "permanent":
      return refused(error);
    case "defect":
      onDefect?.(error);
      return unavailable("the database refuses the change; an operator must look at the log", error);
    default:
      return unavailable("the database cannot be written now", error);
  }
}

/** Says why, with the constraint's name where one is broken: the rest of the database's message may hold data. */
function refused(error: unknown): Fault {
  const state = sqlState(error) ?? "";
  const { constraint_name: constraint, table_name: table } = error as { constraint_name?: string; table_name?: string };
  const broken = constraint ? `, constraint ${constraint}${table ? ` of ${table}` : ""}` : "";
  return new Fault("precondition", `the database refuses the change or its events (SQLSTATE ${state}${broken})`, {
    reason: "DATABASE_REFUSES",
    metadata: { sqlstate: state, ...(constraint && { constraint }) },
    cause: error,
  });
}
