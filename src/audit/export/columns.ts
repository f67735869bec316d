import type { WalkRow } from "../read/log_walk.ts";
import { instantText } from "../timestamp.ts";

/** A column of a table of events. */
export interface Column {
  readonly name: string;
  readonly kind: "text" | "integer" | "boolean" | "time" | "json";
  readonly nullable: boolean;
  /** The value as text; times in RFC 3339 with six digits, booleans as `true` and `false`. */
  readonly text: (row: WalkRow) => string | null;
}

type Name = keyof WalkRow;

const plain =
  (kind: Column["kind"], nullable: boolean) =>
  (name: Name): Column => ({
    name,
    kind,
    nullable,
    text: (row) => {
      const value = row[name];
      return value === null ? null : String(value);
    },
  });
const text = plain("text", false);
const optional = plain("text", true);
const integer = plain("integer", false);
const boolean = plain("boolean", false);
const time = (name: "event_timestamp" | "recorded_time"): Column => ({
  name,
  kind: "time",
  nullable: false,
  text: (row) => instantText(row[name]),
});

/** The columns of CSV and Parquet, in their order: the event's place, what it says, and how it was recorded. */
export const COLUMNS: readonly Column[] = [
  integer("log_index"),
  text("event_id"),
  text("correlation_id"),
  integer("chain_position"),
  text("event_version"),
  time("event_timestamp"),
  text("event_date"),
  text("event_type"),
  text("event_category"),
  text("event_action"),
  text("event_outcome"),
  text("actor_type"),
  text("actor_id"),
  text("resource_type"),
  text("resource_id"),
  optional("parent_event_id"),
  optional("parent_event_date"),
  optional("namespace"),
  optional("cluster_name"),
  optional("severity"),
  plain("integer", true)("duration_ms"),
  optional("error_code"),
  optional("error_message"),
  plain("json", false)("event_data"),
  integer("retention_days"),
  boolean("is_sensitive"),
  time("recorded_time"),
  text("recorded_by"),
  text("event_hash"),
  optional("previous_event_hash"),
];
