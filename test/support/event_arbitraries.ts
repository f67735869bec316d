// Events of every kind for property tests: most keep the rules, many are at their edge or beyond.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import {
  type AuditEvent,
  AuditEventSchema,
  type EventOutcome,
} from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";

type EventInit = MessageInitShape<typeof AuditEventSchema>;
type PayloadInit = NonNullable<Extract<EventInit, { payload?: unknown }>["payload"]>;

/** `good` most of the time, else `odd`. */
function mostly<T>(good: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 12): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: good, weight }, { arbitrary: odd, weight: 1 });
}

/** What separates records and fields on their way to the database, what quotes, and what no database takes. */
const TROUBLE = [
  "\x1d",
  "\x1e",
  "\x1f",
  "\x1d0",
  "\x1d1",
  "'",
  '"',
  "\\",
  "\n",
  "\t",
  "\x7f",
  "\x85",
  "\ufeff",
  "\ufffe",
  "$1",
  "NULL",
  "{}",
  ",",
];

/** Any text of up to `length` code points; seldom longer, or with U+0000. */
function text(length: number): fc.Arbitrary<string> {
  const short = Math.min(length, 12);
  const usual = fc.oneof(
    { arbitrary: fc.constant(""), weight: 3 },
    { arbitrary: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((name) => name.length <= length), weight: 4 },
    { arbitrary: fc.string({ unit: "binary", maxLength: short }).map((some) => some.replaceAll("\0", "0")), weight: 2 },
    { arbitrary: fc.string({ unit: fc.constantFrom(...TROUBLE), maxLength: Math.ceil(short / 4) }), weight: 2 },
    { arbitrary: fc.constantFrom("😀".repeat(length), "a".repeat(length)), weight: 1 },
  );
  return mostly(usual, fc.constantFrom("a".repeat(length + 1), "\0", "a\0b"), 60);
}

const KEYS = fc.oneof(
  fc.stringMatching(/^[a-z_]{1,6}$/),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "toJSON",
    "",
    "0",
    "1",
    "a b",
    "\x1f",
    "é",
    "😀",
    "length",
  ),
);

/** JSON objects with keys of every kind, own `__proto__` members among them. */
const jsonObject = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, false, 0, -0, "", 5e-324, 1.7976931348623157e308, 1e21, 1e-7, 0.1, 2 ** 53),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.array(fc.tuple(KEYS, tie("value")), { maxLength: 4 }).map((members) => objectOf(members)),
})).object;

/** An object with these members as its own, whatever their names are. */
function objectOf(members: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, value] of members) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** Numbers as JSON allows them, of which a double holds some. */
const numberLiteral = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,19})$/),
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,3})\.[0-9]{1,18}$/),
  fc.stringMatching(/^-?[1-9](\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom("-0", "0e0", "1e400", "-1e-400", "9007199254740993", "0.1", "1.0", "100e-2", "123456789012345680000"),
);

const jsonText = fc.oneof(
  jsonObject.map((object) => JSON.stringify(object)),
  jsonObject.map((object) => JSON.stringify(object, undefined, " \t")),
  fc.array(numberLiteral, { maxLength: 3 }).map((numbers) => `{"numbers":[${numbers.join(" , ")}]}`),
  fc.tuple(KEYS, KEYS).map(([one, two]) => `{${JSON.stringify(one)}:1,${JSON.stringify(two)}:2}`),
  fc.constantFrom(
    '{"a":"\\ud83d\\ude00"}',
    '{"a":"\\ud83d"}',
    '{"\\u0000":1}',
    '{"__proto__":{"a":1}}',
    "[]",
    "null",
    "1",
    "",
    "{",
    '{"a":1}x',
    "\ufeff{}",
    "{'a':1}",
  ),
  fc.integer({ min: 8, max: 12 }).map((levels) => `${'{"a":'.repeat(levels)}0${"}".repeat(levels)}`),
);

const typedPayload: fc.Arbitrary<PayloadInit> = fc
  .record(
    {
      phase: text(20),
      confidence: fc.double(),
      approvalRequired: fc.boolean(),
      durationMs: fc.double(),
      httpStatusCode: fc.integer(),
      providerResponseSummary: jsonObject as fc.Arbitrary<never>,
      additionalFields: jsonObject as fc.Arbitrary<never>,
    },
    { requiredKeys: [] },
  )
  .map((value) => ({ case: "aiAnalysis", value }) as PayloadInit);

/** Payloads around the bound of what is stored. */
const hugePayload = fc
  .tuple(fc.integer({ min: 255 * 1024, max: 257 * 1024 }), fc.constantFrom("x", "é", "\x01"))
  .map(([bytes, character]) => {
    const text = character.repeat(Math.floor(bytes / Buffer.byteLength(JSON.stringify(character).slice(1, -1))));
    return { case: "eventData", value: { text } } as PayloadInit;
  });

const payload: fc.Arbitrary<PayloadInit> = fc.oneof(
  { arbitrary: fc.constant<PayloadInit>({ case: undefined }), weight: 40 },
  { arbitrary: jsonObject.map((value) => ({ case: "eventData", value }) as PayloadInit), weight: 40 },
  {
    arbitrary: jsonText.map((json) => ({ case: "eventDataJson", value: Buffer.from(json) }) as PayloadInit),
    weight: 40,
  },
  {
    arbitrary: fc.uint8Array({ maxLength: 20 }).map((value) => ({ case: "eventDataJson", value }) as PayloadInit),
    weight: 40,
  },
  { arbitrary: typedPayload, weight: 40 },
  { arbitrary: hugePayload, weight: 1 },
);

/** Moments of three months that get a partition, and of all the time that a Timestamp can name. */
const timestamp = fc.record({
  seconds: mostly(
    fc.oneof(
      fc.integer({ min: 0, max: 86_400 * 90 }).map((second) => BigInt(Math.floor(Date.now() / 1000) - second)),
      fc
        .bigInt({ min: -62_135_596_800n, max: 253_402_300_799n })
        .filter((second) => second < 0n || second > 10n ** 11n),
    ),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ),
  nanos: mostly(fc.integer({ min: 0, max: 999_999_999 }), fc.integer()),
});

const uuid = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
);

/** Events as an emitter may send them, by binary protobuf. */
export const anyEvent: fc.Arbitrary<AuditEvent> = fc
  .record(
    {
      eventId: mostly(uuid, text(36)),
      eventVersion: text(10),
      eventTimestamp: timestamp as fc.Arbitrary<never>,
      eventType: mostly(fc.stringMatching(/^[a-z][a-z0-9_-]{0,9}(\.[a-z][a-z0-9_-]{0,9}){0,3}$/), text(100)),
      eventCategory: text(50),
      eventAction: text(50),
      eventOutcome: mostly(
        fc.constantFrom<EventOutcome>(1, 2, 3),
        fc.integer({ min: -1, max: 5 }) as fc.Arbitrary<EventOutcome>,
      ),
      actorType: text(50),
      actorId: text(255),
      resourceType: text(100),
      resourceId: text(255),
      correlationId: mostly(fc.constantFrom("rr-1", "rr-2", "rr\x1f3", "rr\x1d4", "rr-😀"), text(255), 4),
      namespace: text(253),
      clusterName: text(255),
      severity: text(20),
      durationMs: mostly(
        fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      ),
      errorCode: text(50),
      errorMessage: text(300),
      retentionDays: mostly(fc.integer({ min: 1, max: 36_500 }), fc.integer()),
      isSensitive: fc.boolean(),
      parent: fc.tuple(
        mostly(uuid, text(36)),
        mostly(fc.constantFrom("2026-01-31", "0001-01-01", "9999-12-31"), text(10)),
      ),
      payload,
    },
    { requiredKeys: ["eventTimestamp", "eventType", "eventOutcome", "correlationId"] },
  )
  .map(({ parent, ...fields }) =>
    create(AuditEventSchema, {
      ...(fields as EventInit),
      ...(parent && { parentEventId: parent[0], parentEventDate: parent[1] }),
    } as EventInit),
  );
