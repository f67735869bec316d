import type { Json } from "../../integrity/canonical.ts";
import type { ParsedEvent } from "../trace.ts";

/** A value that an event tells, and where it stands in that event. */
export interface Told {
  readonly value: Json;
  readonly event: ParsedEvent;
  /** Such as `event_data.signal_name` or `event_timestamp`. */
  readonly source: string;
}

/** A field filled. */
export interface Field extends Told {
  /** Members from the root: `["spec", "signalLabels", "severity"]`. */
  readonly path: readonly string[];
  /** Whether the last member of the path is the key of an item in a list rather than a name. */
  readonly item: boolean;
  readonly rank: number;
}

/**
 * The fields of an object, each with the event that told it.
 *
 * Of two values for one field that of the higher rank stays: the event whose word counts over one that stands in for it. Within a
 * rank the later by (event_timestamp, chain_position) stays, whatever the order of the calls. A field once filled stays
 * filled, so that one event more never leaves fewer fields.
 */
export class FieldMap {
  readonly #fields = new Map<string, Field>();

  /** Fills a field. Nothing told changes nothing. A value is taken whole; `path` is such as `spec.signalName`. */
  put(path: string, told: Told | undefined, rank = 0): void {
    if (told !== undefined) this.#put(path, path.split("."), told, rank);
  }

  /** Fills the members of a map one by one: those of several events are joined. */
  putMembers(path: string, told: Told | undefined, rank = 0): void {
    if (told === undefined) return;
    for (const [key, value] of Object.entries(told.value as object) as [string, Json][]) {
      this.putMember(path, key, { value, event: told.event, source: `${told.source}${memberText(key)}` }, rank);
    }
  }

  /** Fills one member of a map. */
  putMember(path: string, key: string, told: Told, rank = 0): void {
    this.#put(`${path}${keyText(key)}`, [...path.split("."), key], told, rank);
  }

  /** Puts an item into a list that holds one for each key; items stand in the order in which they were first told. */
  putItem(path: string, key: string, told: Told): void {
    const id = `${path}${keyText(key)}`;
    const known = this.#fields.get(id);
    if (known === undefined || isLater(known.event, told.event)) {
      this.#fields.set(id, { ...told, path: [...path.split("."), key], item: true, rank: 0 });
    }
  }

  /** Whether the field, or a member of it, is filled. */
  has(path: string): boolean {
    if (this.#fields.has(path)) return true;
    for (const id of this.#fields.keys()) if (id.startsWith(`${path}.`) || id.startsWith(`${path}[`)) return true;
    return false;
  }

  get(path: string): Field | undefined {
    return this.#fields.get(path);
  }

  text(path: string): string {
    const value = this.#fields.get(path)?.value;
    return typeof value === "string" ? value : "";
  }

  /** Fields by path, in the order of UTF-16 code units. */
  entries(): [path: string, field: Field][] {
    return [...this.#fields].sort(([left], [right]) => (left < right ? -1 : 1));
  }

  get size(): number {
    return this.#fields.size;
  }

  #put(id: string, path: readonly string[], { value, event, source }: Told, rank: number): void {
    const known = this.#fields.get(id);
    if (known !== undefined && (rank < known.rank || (rank === known.rank && isLater(known.event, event)))) return;
    this.#fields.set(id, { value, event, source, path, item: false, rank });
  }
}

/** Whether the first event comes after the second. */
export function isLater(event: ParsedEvent, than: ParsedEvent): boolean {
  return event.timestamp > than.timestamp || (event.timestamp === than.timestamp && event.position > than.position);
}

function keyText(key: string): string {
  return `[${JSON.stringify(key)}]`;
}

function memberText(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `.${key}` : keyText(key);
}
