/** What a check can find wrong, by the check that finds it; each with what is said to people. */
const FAULTS = {
  schema: {
    no_schema: "the database holds no audit store",
    missing_migration: "a migration of this version is not applied",
    unknown_migration: "a migration is applied that this version does not know",
    changed_migration: "a migration was applied with other content than this version's",
  },
  queue: {
    no_queue: "Valkey holds no queue, and should: it was emptied",
    other_queue: "the queue in Valkey is not the one that the database last took events from",
    no_group: "a stream has no consumer group",
    unreadable_entry: "an entry of the queue cannot be read",
    foreign_entry_id: "an entry has an id that the queue does not give",
    sequence_behind: "an entry is newer than the queue's counter",
    sequence_twice: "two entries have one number",
    wrong_size: "an entry has another size than is noted",
    wrong_bytes: "a stream's count of bytes is not what its entries add up to",
    tries_without_entry: "tries are noted for an entry that is not there",
    size_without_entry: "a size is noted for an entry that is not there",
    pending_without_entry: "a consumer holds an entry that is not there",
    unreadable_letter: "a dead letter cannot be read",
  },
  partitions: {
    no_month: "a month has no partition",
    wrong_bounds: "a partition holds another month than its name says",
    detached: "a partition is not part of audit_events",
    no_guard: "nothing keeps rows from being changed: a trigger is missing or off",
    wrong_partition: "an event is in a partition of another month",
    wrong_date: "event_date is not the day of event_timestamp",
  },
  ids: {
    no_id: "an event has no row in audit_event_ids",
    no_event: "an id is known and its event is not there",
    stored_twice: "an event id is stored twice",
    id_date: "audit_event_ids says another date than the event",
    id_position: "audit_event_ids says another place than the event",
    no_salt: "an event has no salt",
    no_submission_digest: "an event has no submission digest",
  },
  chains: {
    gap: "places of a chain are empty",
    fork: "a place of a chain is taken twice",
    previous_hash: "previous_event_hash is not the hash of the event before",
    event_hash: "event_hash does not follow from the event",
    unreadable: "an event cannot be digested",
  },
  heads: {
    no_head: "a chain has no head",
    no_chain: "a head has no chain",
    head_position: "a chain does not end where its head says",
    head_hash: "a head has another hash than the last event of its chain",
  },
  log: {
    no_state: "nothing says how far the log has come",
    no_run: "indexes of the log belong to no event",
    two_runs: "indexes of the log belong to two runs",
    beyond_size: "a run lies beyond the log's end",
    run_salt: "a run's salt has not 16 bytes",
    not_in_log: "events of a chain stand neither in the log nor among what waits for an index",
    in_log_twice: "the log has a place of a chain twice",
    no_head: "the log knows events that the chain's head does not",
    no_event: "the log knows events that are not there",
    pending_hash: "the hash that waits for an index is not that of its event",
    no_entry: "entries are missing",
    entry: "an entry is not the commitment to its event",
    no_tile: "hashes of the tree are missing",
    tile: "a hash of the tree does not follow from what is below it",
    width: "a tile or bundle is not as wide as the log says",
    root: "the tree's root is not the one that is noted",
    origin: "the origins are not numbered one after the other",
    unreadable_key: "a key cannot be read",
    unreadable_note: "a checkpoint cannot be read",
    signature: "a checkpoint is not signed by the log's key",
    note: "a checkpoint says another origin, size or root than is noted of it",
    note_size: "a checkpoint is of a larger tree than the log holds",
    note_root: "a checkpoint contradicts the tree",
    kept_origin: "the checkpoint kept elsewhere is of another log",
  },
} as const;

type FaultTable = typeof FAULTS;

/** The checks, in the order in which they are made. */
export type CheckName = keyof FaultTable;

/** What a fault is, in one word. */
export type FaultKind<Check extends CheckName = CheckName> = Check extends CheckName ? keyof FaultTable[Check] : never;

/** Where a fault is, and what shows it; never a payload. */
export interface Evidence {
  readonly correlationId?: string;
  /** Place in the chain. */
  readonly position?: number;
  readonly eventId?: string;
  /** What else has a name: a partition, a migration, a key, an entry of the queue. */
  readonly name?: string;
  readonly expected?: string;
  readonly found?: string;
}

/** One way in which the store contradicts itself. */
export interface StoreFault extends Evidence {
  readonly check: CheckName;
  readonly kind: FaultKind;
}

/** What one check came to. */
export interface CheckSummary {
  readonly check: CheckName;
  /** How many of `unit` were looked at. */
  readonly checked: number;
  readonly unit: string;
  readonly faults: number;
  readonly seconds: number;
  /** Why it was not made. */
  readonly skipped?: string;
}

/** Something worth knowing that is no fault. */
export interface Note {
  readonly check: CheckName;
  readonly text: string;
}

/** What a kind of fault means, for people. */
export function meaningOf({ check, kind }: Pick<StoreFault, "check" | "kind">): string {
  return (FAULTS[check] as Readonly<Record<string, string>>)[kind] ?? kind;
}

/** A fault on one line: what, where, and what was expected and found. */
export function faultText(fault: StoreFault): string {
  const { name, correlationId, position, eventId, expected, found } = fault;
  const where = [
    name,
    correlationId === undefined ? undefined : `correlation ${correlationId}`,
    position === undefined ? undefined : `position ${position}`,
    eventId === undefined ? undefined : `event ${eventId}`,
  ].filter((part) => part !== undefined);
  const values = [
    expected === undefined ? undefined : `expected ${expected}`,
    found === undefined ? undefined : `found ${found}`,
  ].filter((part) => part !== undefined);
  const parts = [`${fault.check}: ${meaningOf(fault)}`];
  if (where.length > 0) parts.push(where.join(", "));
  if (values.length > 0) parts.push(values.join(", "));
  return parts.join("; ");
}
