/** A statement that reads, and its parameters: `$1` is the first. */
export interface Statement {
  readonly text: string;
  /** A value of another type is cast in the statement, as in `$1::text::jsonb`, so that the driver makes nothing of it. */
  readonly parameters: readonly string[];
  /** Whether connections remember the statement; absent: yes. They forget none: not for a text that is made up from filters. */
  readonly prepare?: boolean;
}

/** An array as PostgreSQL's array literal, for a parameter `$1::text::text[]`. */
export function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
