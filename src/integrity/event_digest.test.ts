import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { canonicalText, type Json } from "./canonical.ts";
import { contentDigest, contentText, type DigestedFields, eventHash, saltedDigest } from "./event_digest.ts";

const vector = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../test/vectors/${name}.json`, import.meta.url), "utf8")) as never;

interface ChainVector {
  readonly salt: string;
  readonly fields: DigestedFields;
  readonly event_data_digest: string;
  readonly error_message_digest?: string;
  readonly content_text: string;
  readonly content_digest: string;
  readonly previous_event_hash: string | null;
  readonly event_hash: string;
}

test("the published chain is what these rules give", () => {
  const { events } = vector("event-chain") as { events: readonly ChainVector[] };
  let previous: string | undefined;
  for (const event of events) {
    assert.equal(saltedDigest(event.salt, "event_data", event.fields.event_data), event.event_data_digest);
    const text = contentText(event.fields, event.event_data_digest, event.error_message_digest);
    assert.equal(text, event.content_text);
    assert.equal(contentDigest(event.fields, event.salt), event.content_digest);
    assert.equal(previous ?? null, event.previous_event_hash);
    previous = eventHash(previous, event.content_digest);
    assert.equal(previous, event.event_hash);
  }
  assert.ok(events.length >= 3);
});

test("the published hashes follow from the published texts by plain SHA-256", () => {
  const sha = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
  const { events } = vector("event-chain") as { events: readonly ChainVector[] };
  for (const event of events) {
    assert.equal(sha(`${event.salt}event_data\n${event.fields.event_data}`), event.event_data_digest);
    if (event.fields.error_message) {
      assert.equal(sha(`${event.salt}error_message\n${event.fields.error_message}`), event.error_message_digest);
    }
    assert.equal(sha(event.content_text), event.content_digest);
    const link = Buffer.from(`${event.previous_event_hash ?? ""}${event.content_digest}`, "hex");
    assert.equal(sha(link), event.event_hash);
  }
});

test("the hashed text is the RFC 8785 form of its own members", () => {
  const { events } = vector("event-chain") as { events: readonly ChainVector[] };
  for (const { content_text: text } of events) assert.equal(canonicalText(JSON.parse(text) as Json), text);
});

test("every digested field changes the digest, and so does the salt", () => {
  const { events } = vector("event-chain") as { events: readonly ChainVector[] };
  const { fields, salt, content_digest: digest } = events.at(-1) as ChainVector;
  const names = Object.keys(fields) as (keyof DigestedFields)[];
  assert.equal(names.length, 26);
  for (const name of names) {
    const value = fields[name];
    const other = typeof value === "boolean" ? !value : typeof value === "number" ? value + 1 : `${value} `;
    assert.notEqual(contentDigest({ ...fields, [name]: other }, salt), digest, name);
  }
  assert.notEqual(contentDigest(fields, "0".repeat(32)), digest);
});

test("canonical text: the samples of RFC 8785 and of its sorting rule", () => {
  const { samples } = vector("rfc8785") as { samples: readonly { input: string; canonical: string }[] };
  for (const { input, canonical } of samples) assert.equal(canonicalText(JSON.parse(input) as Json), canonical);
});

test("canonical text does not depend on the order of keys, and says the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: "medium" }), (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as Json;
      const text = canonicalText(plain);
      assert.deepEqual(JSON.parse(text), plain);
      assert.equal(canonicalText(reversed(plain)), text);
    }),
  );
});

test("canonical text has every key in its place, also those that an object of the engine keeps elsewhere", () => {
  const key = fc.constantFrom(
    "10",
    "9",
    "02",
    "__proto__",
    "constructor",
    "b",
    "a",
    "A",
    "é",
    "\u{1f600}",
    "\ufb33",
    "",
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), tie("object"), fc.array(tie("any"), { maxLength: 3 })),
    object: fc
      .uniqueArray(fc.tuple(key, tie("any")), { selector: ([name]) => name })
      .map((members) => Object.fromEntries(members)),
  })).any;
  fc.assert(
    fc.property(value, (any) => {
      const plain = JSON.parse(JSON.stringify(any)) as Json;
      assert.equal(canonicalText(plain), canonicalize(plain));
    }),
  );
});

test("canonical text refuses what RFC 8785 excludes", () => {
  for (const value of ["\ud800", { a: ["\udc00"] }, { "\ud800": 1 }, Number.NaN, [Number.POSITIVE_INFINITY]]) {
    assert.throws(() => canonicalText(value));
  }
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value as Record<string, Json>).map(([key, item]): [string, Json] => [
    key,
    reversed(item),
  ]);
  return Object.fromEntries(entries.reverse());
}
