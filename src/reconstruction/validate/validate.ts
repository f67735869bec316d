import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonObject } from "../../integrity/canonical.ts";
import type { Kind } from "../kind.ts";
import type { MappedObject, MissingField, TraceWarning, Validation } from "../trace.ts";

/** The fifth stage's first half: what the object should have and has not, and how complete it is therefore. */
export function completenessOf(kind: Kind, mapped: MappedObject): Omit<Validation, "warnings"> {
  const due = kind.expectations.filter(({ when }) => when === undefined || when(mapped.fields));
  const missing = due.filter(({ path }) => !isFilled(mapped, path));
  return {
    completeness: due.length === 0 ? 1 : Math.round(((due.length - missing.length) / due.length) * 1e4) / 1e4,
    missing: missing.map(({ path, eventTypes, required = false }): MissingField => ({ path, eventTypes, required })),
  };
}

function isFilled({ name, namespace, fields }: MappedObject, path: string): boolean {
  if (path === "metadata.name") return name !== "";
  if (path === "metadata.namespace") return namespace !== "";
  return fields.has(path);
}

/** The second half: what in the built object is against its JSON Schema. Required members are told as missing fields. */
export function schemaWarnings(kind: Kind, object: JsonObject): TraceWarning[] {
  const check = compiled(kind.schema);
  if (check(object)) return [];
  const faults = (check.errors ?? []).filter(({ keyword }) => keyword !== "required");
  return faults.slice(0, FAULTS_TOLD).map(({ instancePath, message = "is not valid" }) => ({
    eventId: "",
    eventType: "",
    reason: "SCHEMA_VIOLATION",
    message: `${instancePath.slice(1).replaceAll("/", ".")} ${message}`,
  }));
}

const FAULTS_TOLD = 20;

const ajv = new Ajv2020({ allErrors: true, strict: true });
const checks = new Map<object, ReturnType<typeof ajv.compile>>();

function compiled(schema: object): ReturnType<typeof ajv.compile> {
  let check = checks.get(schema);
  if (check === undefined) {
    check = ajv.compile(schema);
    checks.set(schema, check);
  }
  return check;
}
