import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonText, yamlText } from "./text.ts";

test("texts that some version of YAML takes for something else are quoted", () => {
  const texts = [
    "on",
    "no",
    "~",
    "null",
    "1_000",
    "0o17",
    "1:30",
    "1e3",
    ".inf",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "=",
    "<<",
  ];
  for (const line of yamlText(Object.fromEntries(texts.map((text, index) => [`k${index}`, text])))
    .trim()
    .split("\n")) {
    assert.match(line, /^k\d+: '.*'$/);
  }
});

test("JSON ends in a line feed", () => assert.equal(jsonText({ a: 1 }), '{\n  "a": 1\n}\n'));
