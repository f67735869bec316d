import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { load } from "js-yaml";
import { parse } from "yaml";
import type { JsonObject } from "../../integrity/canonical.ts";
import { jsonText, yamlText } from "./text.ts";

/** What a careless writer of YAML leaves without quotes, and what a careless reader takes for something else. */
const awkward = fc.constantFrom(
  ..."yes,no,on,off,~,null,true,1e3,0x1f,0o17,017,1_000,1:30,.nan,.inf,=,<<,-,?,: ,a: b, #,a #b,---,...,|,>,%a,@a,`a,!a,&a,*a".split(
    ",",
  ),
  ...[
    "",
    " ",
    "a ",
    " a",
    "a\n",
    "\na",
    "a\n\n b",
    "\t",
    "\u0001",
    "\u0085",
    "\u2028",
    "\ufeff",
    "ü",
    "😀",
    "2026-01-01",
    '"',
    "'",
  ],
);
// For one of the libraries `.` and `e0` are numbers in YAML 1.1; no reader of Kubernetes takes them for that.
const text = fc
  .oneof(awkward, fc.string({ unit: "binary" }), fc.string())
  .filter((made) => made === "" || !/^[-+]?[._]*([eE][-+]?\d+)?$/.test(made));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.boolean(), fc.constant(null), tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  object: fc.dictionary(text, tie("value"), { maxKeys: 5 }),
}));

test("any object comes back from its YAML by two libraries and both versions of YAML, and gives the same text again", () => {
  fc.assert(
    fc.property(fc.dictionary(text, value, { maxKeys: 5 }), (made) => {
      const object = JSON.parse(JSON.stringify(made)) as JsonObject;
      const yaml = yamlText(object);
      const wanted = jsonText(object);
      for (const read of [load(yaml), parse(yaml), parse(yaml, { version: "1.1" })]) {
        assert.equal(jsonText(read as JsonObject), wanted);
        assert.equal(yamlText(JSON.parse(jsonText(read as JsonObject))), yaml);
      }
    }),
    { numRuns: 1000 },
  );
});
