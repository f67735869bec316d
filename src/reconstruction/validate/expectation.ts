import type { FieldMap } from "../facts/field_map.ts";

/** A field that an object should have. */
export interface Expectation {
  readonly path: string;
  /** Types of the events that carry it. */
  readonly eventTypes: readonly string[];
  /** Whether the object is not valid without it. */
  readonly required?: boolean;
  /** Whether an object with these fields should have it; absent: always. */
  readonly when?: (fields: FieldMap) => boolean;
}
