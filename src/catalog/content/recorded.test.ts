import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readActionTypeContent, readWorkflowContent } from "./content.ts";

const folder = process.env["DATASTORAGE_TEST_DATA"] ?? "";
const recorded = folder !== "" && existsSync(join(folder, "workflows"));

test("objects of real installations are read without a warning", {
  skip: !recorded && "DATASTORAGE_TEST_DATA is not set",
}, async () => {
  const actionTypes = new Set<string>();
  for (const text of texts("action-types")) {
    const { content, warnings } = await readActionTypeContent(text);
    assert.deepEqual(warnings, []);
    actionTypes.add(content.actionType);
  }
  const ids = new Set<string>();
  for (const text of texts("workflows")) {
    const { content, warnings } = await readWorkflowContent(text);
    assert.deepEqual(warnings, []);
    assert.ok(actionTypes.has(content.actionType), content.actionType);
    ids.add(content.workflowId);
  }
  assert.equal(ids.size, texts("workflows").length);
});

function texts(kind: string): string[] {
  return readdirSync(join(folder, kind)).map((name) => readFileSync(join(folder, kind, name), "utf8"));
}
