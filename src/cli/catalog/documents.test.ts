import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "js-yaml";
import { documentsOf } from "./documents.ts";

const object = (kind: string, name: string) => `kind: ${kind}\nmetadata:\n  name: ${name}\n`;
const namesIn = (text: string) =>
  documentsOf("ActionType", text).map(({ content, line }) => {
    const { metadata } = load(content) as { metadata: { name: string } };
    return [metadata.name, line];
  });

test("a single document of the kind is sent with all that stands around it", () => {
  const text = `# of ours\n---\n${object("ServiceAccount", "runner")}---\n${object("ActionType", "a")}`;
  assert.deepEqual(documentsOf("ActionType", text), [{ content: text }]);
  assert.deepEqual(documentsOf("ActionType", '{"kind": "ActionType"}'), [{ content: '{"kind": "ActionType"}' }]);
});

test("a file without one has none", () => {
  for (const text of [
    "",
    "# nothing\n",
    "---\n---\n",
    "- kind: ActionType\n",
    object("ServiceAccount", "runner"),
    "null",
  ])
    assert.deepEqual(documentsOf("ActionType", text), []);
});

test("several are cut apart, each with the line where it begins", () => {
  const [a, b, other] = [object("ActionType", "a"), object("ActionType", "b"), object("Secret", "s")];
  assert.deepEqual(namesIn(`${a}---\n${other}--- # next\n${b}`), [
    ["a", 1],
    ["b", 8],
  ]);
  assert.deepEqual(namesIn(`---\n${a}...\n---\r\n${b}---\n`), [
    ["a", 1],
    ["b", 6],
  ]);
});

test("what looks like a marker inside of a value parts nothing", () => {
  const text = `${object("ActionType", "a")}text: |\n  ---\n  x\nmore: "---"\n---\n${object("ActionType", "b")}`;
  assert.deepEqual(
    documentsOf("ActionType", text).map(({ content }) => (load(content) as { text?: string }).text),
    ["---\nx\n", undefined],
  );
});

test("text that is no YAML, or cannot be cut, is left to the service", () => {
  const broken = "kind: ActionType\n  indented: wrongly\n";
  assert.deepEqual(documentsOf("ActionType", broken), [{ content: broken }]);
  const directive = `%TAG ! tag:example.com,2026:\n---\n${object("ActionType", "a")}m: !x y\n---\n${object("ActionType", "b")}`;
  assert.deepEqual(documentsOf("ActionType", directive), [{ content: directive }]);
  assert.deepEqual(documentsOf("ActionType", "{{ template }}: of something else\n  x"), []);
});
