import type { Json, JsonObject } from "../../integrity/canonical.ts";
import type { Field } from "../facts/field_map.ts";
import { isLater } from "../facts/field_map.ts";
import type { Kind } from "../kind.ts";
import type { MappedObject } from "../trace.ts";
import { labelValue, objectName } from "./names.ts";

/** Prefix of the labels and annotations that tell of a reconstruction. */
export const PREFIX = "reconstruction.kubernaut.ai/";

/** Facts of a reconstruction for the object's annotations, by name without the prefix. */
export type Facts = Readonly<Record<string, string>>;

/**
 * The fourth stage: the object as a cluster takes it, members sorted by name below apiVersion, kind, metadata, spec and
 * status. It has nothing in it but what the events tell and the facts given, so the same events give the same bytes.
 */
export function buildObject(kind: Kind, mapped: MappedObject, correlationId: string, facts: Facts): JsonObject {
  const root = new Branch();
  for (const [, field] of mapped.fields.entries()) root.add(field.path, field);
  const told = root.toJson() as JsonObject;
  const annotations = {
    ...((told["metadata"] as JsonObject | undefined)?.["annotations"] as JsonObject),
    ...prefixed(facts),
  };
  const labels = { ...kind.labels, [`${PREFIX}correlation-id`]: labelValue(correlationId) };
  const metadata = {
    annotations: sorted(annotations),
    labels: sorted(labels),
    name: objectName(mapped.name),
    ...(mapped.namespace === "" ? {} : { namespace: mapped.namespace }),
  };
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata,
    spec: told["spec"] ?? {},
    ...(told["status"] === undefined ? {} : { status: told["status"] }),
  };
}

function prefixed(facts: Facts): JsonObject {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [`${PREFIX}${name}`, value]));
}

function sorted(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** An object under construction: members by name, values at the ends; a list where its members are items. */
class Branch {
  readonly #members = new Map<string, Branch | Field>();
  #isList = false;

  add(path: readonly string[], field: Field): void {
    const [name = "", ...rest] = path;
    if (rest.length === 0) {
      this.#isList = field.item;
      this.#members.set(name, field);
      return;
    }
    const known = this.#members.get(name);
    const branch = known instanceof Branch ? known : new Branch();
    this.#members.set(name, branch);
    branch.add(rest, field);
  }

  toJson(): Json {
    if (this.#isList) return this.#items();
    const members = [...this.#members].map(([name, member]): [string, Json] => [
      name,
      member instanceof Branch ? member.toJson() : member.value,
    ]);
    // fromEntries makes a member of any name, also of `__proto__`.
    return Object.fromEntries(members.sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  #items(): Json {
    const fields = [...this.#members.values()].filter((member): member is Field => !(member instanceof Branch));
    fields.sort((left, right) => Number(isLater(left.event, right.event)) - Number(isLater(right.event, left.event)));
    return fields.map(({ value }) => value);
  }
}
