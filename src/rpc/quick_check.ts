import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  isFieldSet,
  type Message,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import {
  type EnumRules,
  EnumRulesSchema,
  type FieldRules,
  FieldRulesSchema,
  field as fieldOption,
  Ignore,
  type Int32Rules,
  Int32RulesSchema,
  type Int64Rules,
  Int64RulesSchema,
  message as messageOption,
  oneof as oneofOption,
  type StringRules,
  StringRulesSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** True: the message keeps every rule of its proto. False says nothing; the validator must look. */
export type QuickCheck = (message: Message) => boolean;

type ValueCheck = (value: unknown) => boolean;

/**
 * A check by the rules of a message's proto that costs a tenth of the validator's and errs on one side alone: what it
 * passes, the validator passes. Undefined where a rule is none of the plain ones that it knows.
 */
export function quickCheck(schema: DescMessage): QuickCheck | undefined {
  if (hasOption(schema, messageOption) || schema.oneofs.some((oneof) => hasOption(oneof, oneofOption)))
    return undefined;
  const checks: [string, ValueCheck][] = [];
  for (const field of schema.fields) {
    if (!hasOption(field, fieldOption)) {
      if (hasRulesBelow(field)) return undefined;
      continue;
    }
    const check = fieldCheck(field, getOption(field, fieldOption));
    if (check === undefined) return undefined;
    checks.push([field.localName, check]);
  }
  return (message) => {
    const values = message as unknown as Readonly<Record<string, unknown>>;
    for (const [name, check] of checks) if (!check(values[name])) return false;
    return true;
  };
}

/** Whether a message that stands in a field without rules has rules of its own. */
function hasRulesBelow(field: DescField, seen: Set<DescMessage> = new Set()): boolean {
  const { message } = field;
  if (message === undefined || seen.has(message)) return false;
  seen.add(message);
  return (
    hasOption(message, messageOption) ||
    message.oneofs.some((oneof) => hasOption(oneof, oneofOption)) ||
    message.fields.some((inner) => hasOption(inner, fieldOption) || hasRulesBelow(inner, seen))
  );
}

/** The check of a field's value; undefined where its rules are not known. */
function fieldCheck(field: DescField, rules: FieldRules): ValueCheck | undefined {
  // A member of a oneof is no property of its message.
  if (field.oneof !== undefined || !onlyHas(FieldRulesSchema, rules, ["required", "ignore", rules.type.case ?? ""])) {
    return undefined;
  }
  if (field.fieldKind === "message") {
    return rules.type.case === undefined && !hasRulesBelow(field) ? (value) => value !== undefined : undefined;
  }
  const check = valueCheck(field, rules);
  if (check === undefined) return undefined;
  const implicit = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  const isAbsent = implicit ? isZero : isUndefined;
  const whenAbsent = rules.required ? never : implicit && rules.ignore !== Ignore.IF_ZERO_VALUE ? check : always;
  return (value) => (isAbsent(value) ? whenAbsent(value) : check(value));
}

const always = () => true;
const never = () => false;
const isUndefined = (value: unknown) => value === undefined;
const isZero = (value: unknown) => value === "" || value === 0 || value === 0n;

function valueCheck(field: DescField, { type }: FieldRules): ValueCheck | undefined {
  switch (type.case) {
    case "string":
      return stringCheck(type.value);
    case "enum":
      return field.enum && enumCheck(field.enum, type.value);
    case "int32":
      return onlyHas(Int32RulesSchema, type.value, ["gte", "lte"]) ? rangeCheck(type.value) : undefined;
    case "int64":
      return onlyHas(Int64RulesSchema, type.value, ["gte", "lte"]) ? rangeCheck(type.value) : undefined;
    default:
      return undefined;
  }
}

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

function stringCheck(rules: StringRules): ValueCheck | undefined {
  if (!onlyHas(StringRulesSchema, rules, ["minLen", "maxLen", "pattern", "uuid"])) return undefined;
  const { wellKnown, pattern } = rules;
  if (wellKnown.case === "uuid" && wellKnown.value) return (text) => UUID.test(text as string);
  // Lengths are counted in code points: never more than UTF-16 has units, and never less than half as many.
  const most = isFieldSet(rules, StringRulesSchema.field.maxLen) ? Number(rules.maxLen) : Number.POSITIVE_INFINITY;
  const least = rules.minLen <= 1n ? Number(rules.minLen) : 2 * Number(rules.minLen);
  const expression = pattern === "" ? undefined : new RegExp(pattern, "u");
  return (value) => {
    const text = value as string;
    return text.length <= most && text.length >= least && (expression === undefined || expression.test(text));
  };
}

function enumCheck({ values }: DescEnum, rules: EnumRules): ValueCheck | undefined {
  if (!onlyHas(EnumRulesSchema, rules, ["definedOnly"])) return undefined;
  const defined = new Set(values.map(({ number }) => number));
  return rules.definedOnly ? (value) => defined.has(value as number) : always;
}

/** The bounds of a oneof each: gte and lte are the only ones that onlyHas let through. */
function rangeCheck({ lessThan, greaterThan }: Int32Rules | Int64Rules): ValueCheck {
  return (value) => {
    const number = value as number | bigint;
    return (
      (lessThan.value === undefined || number <= lessThan.value) &&
      (greaterThan.value === undefined || number >= greaterThan.value)
    );
  };
}

/** Whether no rule is set but these. */
function onlyHas(schema: DescMessage, rules: Message, names: readonly string[]): boolean {
  const known = schema.fields.every((rule) => names.includes(rule.localName) || !isFieldSet(rules, rule));
  return known && (rules.$unknown ?? []).length === 0;
}
