import { type EntryOpening, logSalt } from "../entry.ts";
import type { Run } from "../log/log_reader.ts";
import type { ProofParts } from "../service_parts.ts";
import { type ChainedEvent, eventAtPlace, eventById } from "./event_statements.ts";
import { contradicted, eventNotFound, notIndexed } from "./proof_faults.ts";

/** A place of the log, with what leads from its event to its entry. */
export interface PlacedEvent {
  readonly logIndex: number;
  /** `event_id` and `event_hash` are empty where the event is no longer stored. */
  readonly opening: EntryOpening;
}

/**
 * Where an event stands in the log.
 *
 * @throws Fault `not_found`; `precondition`: NOT_COVERED before it has a place, LOG_CONTRADICTED where it can have none.
 */
export async function placeOfEvent(parts: ProofParts, eventId: string, signal: AbortSignal): Promise<PlacedEvent> {
  const event = await eventById(parts.database, eventId.toLowerCase(), signal);
  if (event === undefined) throw eventNotFound(eventId);
  const position = Number(event.chain_position);
  if (!Number.isSafeInteger(position)) throw contradicted(`the event ${event.event_id} has no place in its chain`);
  const run = await parts.log.runOf(event.correlation_id, position, signal);
  if (run === undefined) throw notIndexed(event.event_id);
  return placed(run, position, event);
}

/** What stands at a place of the log. @throws Fault `not_found`. */
export async function eventOfPlace(parts: ProofParts, logIndex: number, signal: AbortSignal): Promise<PlacedEvent> {
  const run = await parts.log.runAt(logIndex, signal);
  if (run === undefined) throw eventNotFound(`at place ${logIndex} of the log`);
  const position = run.firstPosition + (logIndex - run.firstLogIndex);
  return placed(run, position, await eventAtPlace(parts.database, { ...run, position }, signal));
}

function placed(run: Run, position: number, event: ChainedEvent | undefined): PlacedEvent {
  return {
    logIndex: run.firstLogIndex + (position - run.firstPosition),
    opening: {
      event_id: event?.event_id ?? "",
      event_hash: event?.event_hash ?? "",
      correlation_id: run.correlationId,
      chain_position: position,
      log_salt: logSalt(run.salt, position),
    },
  };
}
