import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { membersOf } from "./members.ts";

const texts = (json: string) => Object.fromEntries(membersOf(json).map(({ name, text }) => [name, text]));

test("values keep their source text: numbers as they were written, strings with their escapes", () => {
  assert.deepEqual(texts('{"a":1.10e2,"b" : {"c":[9007199254740993, "}]\\"," ]} ,"d":"\\u00e9\\\\"}'), {
    a: "1.10e2",
    b: '{"c":[9007199254740993, "}]\\"," ]}',
    d: '"\\u00e9\\\\"',
  });
  assert.deepEqual(membersOf(" { } "), []);
});

test("names that stand twice are both told", () => {
  assert.deepEqual(membersOf('{"a":1,"\\u0061":2}'), [
    { name: "a", text: "1" },
    { name: "a", text: "2" },
  ]);
});

test("of any JSON object, every member's text parses to its value", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const json = JSON.stringify(value, undefined, space);
      const parsed = JSON.parse(json) as Record<string, unknown>;
      const members = membersOf(json);
      assert.deepEqual(members.map(({ name }) => name).sort(), Object.keys(parsed).sort());
      for (const { name, text } of members) assert.deepEqual(JSON.parse(text), parsed[name]);
    }),
  );
});
