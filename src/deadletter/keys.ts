/** The streams of the queue: which one an event goes to depends on its category. Both share one sequence. */
export const STREAMS = ["events", "notifications"] as const;

export type StreamName = (typeof STREAMS)[number];

/** Entries that wait to be stored. */
export const QUEUE_KEYS: Readonly<Record<StreamName, string>> = {
  events: "audit:dlq:events",
  notifications: "audit:dlq:notifications",
};

/** Events that the database refused for good, and entries that cannot be read. */
export const DEAD_LETTER_KEYS: Readonly<Record<StreamName, string>> = {
  events: "audit:dead-letter:events",
  notifications: "audit:dead-letter:notifications",
};

/** Hash: epoch, sequence, and the bytes in each stream. */
export const META_KEY = "audit:dlq:meta";
/** Hash: tries of an entry by its id, since an entry cannot be edited. */
export const TRIES_KEY = "audit:dlq:tries";
/** Hash: bytes of an entry by its sequence, for as long as the entry is in the queue. */
export const SIZES_KEY = "audit:dlq:sizes";
/** String: written, and its fsync waited for, when it is tried whether the server keeps what it is given. */
export const PROOF_KEY = "audit:dlq:proof";
/** String: who drains now. */
export const LEASE_KEY = "audit:dlq:lease";
/** The consumer group of the queue's streams. */
export const GROUP = "datastorage";
