/** What can be wrong at a place of a chain; named as ChainFaultKind of integrity_service.proto. */
export type ChainFaultKind =
  | "missing"
  | "fork"
  | "previous_hash"
  | "event_hash"
  | "unreadable"
  | "head"
  | "log_entry"
  | "not_in_log"
  | "no_salt";

/** Something wrong in a chain. */
export interface ChainFault {
  readonly kind: ChainFaultKind;
  /** The place at fault. */
  readonly position: number;
  /** Undefined where the event is missing. */
  readonly eventId: string | undefined;
  /** What was found, for people; never a payload, and never the hash that was expected. */
  readonly description: string;
}

/** What the verification of a chain came to. */
export interface ChainReport {
  readonly intact: boolean;
  /** Rows that were looked at. */
  readonly events: number;
  /** Place of the chain's head; 0 where it has none. */
  readonly headPosition: number;
  /** How many faults there are. */
  readonly faultCount: number;
  /** The first of them, at most 100, in the order of their places. */
  readonly faults: readonly ChainFault[];
  /** Events that stand in the log and were found to be what it commits to. */
  readonly indexedEvents: number;
  /** Of these, those that the latest published checkpoint covers. */
  readonly coveredEvents: number;
  /** Events whose payload was erased lawfully and whose hashes still hold. */
  readonly erasedEvents: number;
  /** Events that were removed lawfully. */
  readonly removedEvents: number;
}
