import { canonicalText, type Json, type JsonObject } from "../canonical.ts";
import { entryOf } from "../entry.ts";
import { contentDigest, contentText, type DigestedFields, eventHash, sha256 } from "../event_digest.ts";
import { Flaw, type Place } from "./flaw.ts";
import {
  COUNT,
  checkMembers,
  FLAG,
  HASH,
  type Members,
  members,
  OBJECT,
  optional,
  POSITION,
  parseObject,
  SALT,
  TEXT,
} from "./members.ts";

/** What a line about an event says, after everything in it was recomputed. */
export interface EventLine {
  /** `whole`; `erased`: without its payload, which only a digest stands for; `removed`: only hash and place are left. */
  readonly kind: "whole" | "erased" | "removed";
  /** Undefined for a removed event. */
  readonly eventId: string | undefined;
  readonly correlationId: string;
  readonly chainPosition: number;
  readonly eventHash: string;
  /** Undefined for the first event of a chain, and for a removed one. */
  readonly previousEventHash: string | undefined;
  readonly logIndex: number;
  readonly logSalt: string;
  /** Its entry in the log, in hex. */
  readonly entry: string;
}

const PLACED = {
  correlation_id: TEXT,
  chain_position: POSITION,
  event_hash: HASH,
  log_index: COUNT,
  log_salt: HASH,
  entry: HASH,
};

const ENVELOPE = {
  ...PLACED,
  actor_id: TEXT,
  actor_type: TEXT,
  cluster_name: optional(TEXT),
  duration_ms: optional(COUNT),
  error_code: optional(TEXT),
  event_action: TEXT,
  event_category: TEXT,
  event_date: TEXT,
  event_id: TEXT,
  event_outcome: TEXT,
  event_timestamp: TEXT,
  event_type: TEXT,
  event_version: TEXT,
  is_sensitive: FLAG,
  namespace: optional(TEXT),
  parent_event_date: optional(TEXT),
  parent_event_id: optional(TEXT),
  previous_event_hash: optional(HASH),
  recorded_by: TEXT,
  recorded_time: TEXT,
  resource_id: TEXT,
  resource_type: TEXT,
  retention_days: COUNT,
  severity: optional(TEXT),
};

const WHOLE = members({ ...ENVELOPE, event_data: OBJECT, error_message: optional(TEXT), salt: SALT });
const ERASED = members({ ...ENVELOPE, event_data_digest: HASH, error_message_digest: optional(HASH) });
const REMOVED = members({ ...PLACED, removed: { is: (value) => value === true, text: "true" } });

/** What a line says that was found to be as its members must be. */
interface Envelope extends DigestedFields {
  readonly chain_position: number;
  readonly event_hash: string;
  readonly previous_event_hash?: string;
  readonly log_index: number;
  readonly log_salt: string;
  readonly entry: string;
  readonly salt: string;
  readonly event_data_digest: string;
  readonly error_message_digest?: string;
}

/**
 * Reads a line about an event and recomputes what it claims: event_hash from every hashed field, and the entry from that.
 *
 * @throws Flaw that names the event, for a line that is none and for hashes that do not follow.
 */
export function readEventLine(text: string, at: Place): EventLine {
  const line = parseObject(text, at);
  const place = placeOf(line, at);
  const [kind, shape] = shapeOf(line);
  checkMembers(line, shape, place);
  const said = line as unknown as Envelope;
  if (kind !== "removed") checkHash(said, line, kind, place);
  if (entryOf(said.log_salt, said.chain_position, said.event_hash) !== said.entry) {
    throw new Flaw(
      "entry does not follow from log_salt, chain_position and event_hash: one of them was changed",
      place,
    );
  }
  return {
    kind,
    eventId: kind === "removed" ? undefined : said.event_id,
    correlationId: said.correlation_id,
    chainPosition: said.chain_position,
    eventHash: said.event_hash,
    previousEventHash: said.previous_event_hash,
    logIndex: said.log_index,
    logSalt: said.log_salt,
    entry: said.entry,
  };
}

function shapeOf(line: JsonObject): [EventLine["kind"], Members] {
  if (Object.hasOwn(line, "removed")) return ["removed", REMOVED];
  return Object.hasOwn(line, "event_data_digest") ? ["erased", ERASED] : ["whole", WHOLE];
}

/** Names the event as far as the line does, whatever else is wrong with it. */
function placeOf({ event_id: eventId, log_index: logIndex }: JsonObject, at: Place): Place {
  return {
    ...at,
    ...(typeof eventId === "string" && { eventId: eventId.slice(0, 64) }),
    ...(COUNT.is(logIndex) && { logIndex: logIndex as number }),
  };
}

function checkHash(said: Envelope, line: JsonObject, kind: "whole" | "erased", place: Place): void {
  const digest = kind === "whole" ? wholeDigest(said, line["event_data"] as Json, place) : erasedDigest(said);
  if (eventHash(said.previous_event_hash, digest) !== said.event_hash) {
    throw new Flaw("event_hash does not follow from the event: a field of it, its salt or a hash was changed", place);
  }
}

function wholeDigest(said: Envelope, payload: Json, place: Place): string {
  let eventData: string;
  try {
    eventData = canonicalText(payload);
  } catch (cause) {
    throw new Flaw("event_data has no RFC 8785 form", place, { cause });
  }
  return contentDigest({ ...said, event_data: eventData }, said.salt);
}

function erasedDigest(said: Envelope): string {
  return sha256(contentText(said, said.event_data_digest, said.error_message_digest));
}
