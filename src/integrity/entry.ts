import { hash } from "node:crypto";
import { canonicalText } from "./canonical.ts";

/** Names the form that entryOf hashes; another rule gets another name. */
export const ENTRY_FORM = "kubernaut.audit.entry/v1";

/** Bytes of an entry of the log, and of every hash over it. */
export const HASH_BYTES = 32;

/** What opens the commitment that an entry is: whoever holds it can tell which event the entry stands for. */
export interface EntryOpening {
  readonly event_id: string;
  /** 64 lower-case hex digits. */
  readonly event_hash: string;
  readonly correlation_id: string;
  /** The event's place in its chain, from 1 on. */
  readonly chain_position: number;
  /** 64 lower-case hex digits, as logSalt makes them. */
  readonly log_salt: string;
}

/**
 * Salt of one event's entry, in hex: made of its run's salt, so that it need not be stored, while one event's salt tells
 * nothing of another's.
 *
 * @param runSaltHex salt of the run in lower-case hex; hashed as that text.
 * @param position the event's place in its chain.
 */
export function logSalt(runSaltHex: string, position: number): string {
  return hash("sha256", `${runSaltHex}log_salt\n${position}`, "hex");
}

/**
 * The entry of an event in the log, in hex: a commitment to its hash and its place in its chain that can be published and
 * kept for good, because nothing can be guessed from it without the salt (docs/integrity.md).
 */
export function entryOf(logSaltHex: string, position: number, eventHashHex: string): string {
  return hash("sha256", `${ENTRY_FORM}\n${logSaltHex}\n${position}\n${eventHashHex}\n`, "hex");
}

/** An opening as receipts carry it: the RFC 8785 form of an object with its members and `form`, which is ENTRY_FORM. */
export function openingText(opening: EntryOpening): string {
  const { event_id, event_hash, correlation_id, chain_position, log_salt } = opening;
  return canonicalText({ form: ENTRY_FORM, event_id, event_hash, correlation_id, chain_position, log_salt });
}

/** What openingText wrote; nothing for any other text. */
export function parseOpening(text: string): EntryOpening | undefined {
  const value = parsedObject(text);
  if (!value) return undefined;
  const { event_id, event_hash, correlation_id, chain_position, log_salt } = value;
  if (!isText(event_id) || !isText(correlation_id)) return undefined;
  if (!isDigest(event_hash) || !isDigest(log_salt)) return undefined;
  if (!Number.isSafeInteger(chain_position) || (chain_position as number) < 1) return undefined;
  const opening = { event_id, event_hash, correlation_id, chain_position: chain_position as number, log_salt };
  // Also the form, the order of the members, and that there are no others.
  return openingText(opening) === text ? opening : undefined;
}

function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isDigest(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}
