import { entryOf, logSalt } from "../../integrity/entry.ts";
import type { PlacedRow } from "../read/log_walk.ts";

/** What LINE_COLUMNS reads of an event. */
export interface LineRow extends PlacedRow {
  /** The members of its line that come from the store, with a comma before each. */
  readonly event_data: string;
  readonly event_hash: string;
}

/** How the value of a member is written. */
interface Member {
  readonly name: string;
  /** SQL over audit_events. */
  readonly value: string;
  /** What stands around it. */
  readonly quote: '"' | "";
  readonly nullable: boolean;
}

const bare = (name: string, value = name): Member => ({ name, value, quote: "", nullable: false });
/** What needs no escape. */
const quoted = (name: string, value = name): Member => ({ name, value, quote: '"', nullable: false });
const text = (name: string): Member => bare(name, `to_json(${name})::text`);
const time = (name: string): Member => quoted(name, `to_char(${name}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);
const optional = (member: Member): Member => ({ ...member, nullable: true });
const SALT = "(SELECT encode(id.salt, 'hex') FROM audit_event_ids AS id WHERE id.event_id = audit_events.event_id)";

/** The members of a line that come from the store, in their order: the event's salt, and what its content digest is made from. */
const MEMBERS: readonly Member[] = [
  optional(quoted("salt", SALT)),
  quoted("event_id"),
  text("correlation_id"),
  text("event_hash"),
  optional(text("previous_event_hash")),
  text("event_version"),
  time("event_timestamp"),
  quoted("event_date"),
  text("event_type"),
  text("event_category"),
  text("event_action"),
  text("event_outcome"),
  text("actor_type"),
  text("actor_id"),
  text("resource_type"),
  text("resource_id"),
  optional(quoted("parent_event_id")),
  optional(quoted("parent_event_date")),
  optional(text("namespace")),
  optional(text("cluster_name")),
  optional(text("severity")),
  optional(bare("duration_ms")),
  optional(text("error_code")),
  optional(text("error_message")),
  bare("retention_days"),
  bare("is_sensitive", "is_sensitive::text"),
  time("recorded_time"),
  text("recorded_by"),
  bare("event_data"),
];

/** A member as a part of format's template, and the argument that goes there: a whole member where it can be absent. */
function formatted({ name, value, quote, nullable }: Member): { readonly template: string; readonly argument: string } {
  const before = `,"${name}":${quote}`;
  if (nullable) return { template: "%s", argument: `'${before}' || ${value} || '${quote}'` };
  return { template: `${before}%s${quote}`, argument: value };
}

const parts = MEMBERS.map(formatted);

/**
 * What is read of an event for its line, as SQL over audit_events. PostgreSQL writes it, and not this process, whose one thread has
 * every other call to serve as well; format does so in less time than concat and than JSON_OBJECT.
 */
export const LINE_COLUMNS = `chain_position, event_hash, format('${parts.map(({ template }) => template).join("")}',
  ${parts.map(({ argument }) => argument).join(",\n  ")}) AS event_data`;

/**
 * The line of an event in JSON lines and bundles, with its line feed (docs/integrity.md, "A bundle"): its place in the log and
 * what that is proven with, then the members of its content digest under the names of their columns, without those that are absent.
 */
export function eventLine(row: LineRow): string {
  const position = Number(row.chain_position);
  const salt = logSalt(row.run_salt, position);
  const entry = entryOf(salt, position, row.event_hash);
  return `{"log_index":${row.log_index},"chain_position":${position},"log_salt":"${salt}","entry":"${entry}"${row.event_data}}\n`;
}
