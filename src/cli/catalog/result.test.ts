import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistrationOutcome } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { palette } from "../colour.ts";
import { type Applied, type ApplyResult, ApplyTally, resultJson, resultText } from "./result.ts";

const colours = palette(false);
const applied = (outcome: RegistrationOutcome, more: Partial<Applied> = {}): ApplyResult => ({
  file: "a.yaml",
  applied: { object: "workflow crashloop 1.5.3", outcome, warnings: [], json: { outcome: "X" }, ...more },
});
const refused = (more: object): ApplyResult => ({
  file: "bad\u001b.yaml",
  line: 7,
  refused: { code: "INVALID_ARGUMENT", reason: "INVALID_ARGUMENT", message: "all of it", violations: [], ...more },
});
const { CREATED, UNCHANGED, SUPERSEDED_PREVIOUS, REENABLED } = RegistrationOutcome;

test("one line for what was applied", () => {
  assert.equal(resultText(applied(CREATED), false, colours), "workflow crashloop 1.5.3 created");
  assert.equal(resultText(applied(UNCHANGED), true, colours), "workflow crashloop 1.5.3 unchanged (dry run)");
  assert.equal(
    resultText(applied(SUPERSEDED_PREVIOUS, { supersededVersion: "1.5.2" }), false, colours),
    "workflow crashloop 1.5.3 supersedes 1.5.2",
  );
});

test("what is refused: the place, then each rule on a line; nothing of it moves the cursor", () => {
  const violations = [
    { field: "spec.version", description: "must be a semantic version" },
    { field: "", description: "must \u001b[2Jnot" },
  ];
  assert.equal(
    resultText(refused({ violations }), false, colours),
    "bad�.yaml:7: refused\n    spec.version: must be a semantic version\n    must �[2Jnot",
  );
  assert.equal(
    resultText(refused({ code: "FAILED_PRECONDITION", reason: "VERSION_LOWER" }), false, colours),
    "bad�.yaml:7: refused (VERSION_LOWER): all of it",
  );
  assert.equal(
    resultText({ file: "-", problem: "is no UTF-8 text" }, false, colours),
    "standard input: is no UTF-8 text",
  );
});

test("as JSON: one object with the file and the answer or the error", () => {
  assert.deepEqual(JSON.parse(resultJson(applied(CREATED), true)), { file: "a.yaml", dry_run: true, outcome: "X" });
  assert.deepEqual(JSON.parse(resultJson(refused({ reason: "R" }), false)), {
    file: "bad\u001b.yaml",
    line: 7,
    error: { code: "INVALID_ARGUMENT", reason: "R", message: "all of it", violations: [] },
  });
  assert.deepEqual(JSON.parse(resultJson({ file: "x", problem: "is odd" }, false)), {
    file: "x",
    error: { message: "is odd" },
  });
});

test("the summary counts objects by outcome, and files that hold none or are of no use", () => {
  const tally = new ApplyTally();
  assert.equal(
    tally.text("workflow", false),
    "0 workflows in 0 files\nStopped before the end; applying the same files again is safe.",
  );
  tally.complete = true;
  tally.files = 4;
  tally.without = 1;
  for (const one of [applied(CREATED), applied(CREATED), applied(REENABLED)]) tally.add(one);
  assert.equal(tally.failed, false);
  tally.add(refused({}));
  tally.add({ file: "x", problem: "is odd" });
  assert.equal(tally.failed, true);
  assert.equal(
    tally.text("workflow", true),
    "4 workflows in 4 files: 2 created, 1 reenabled, 1 refused; 1 file without one; 1 file not usable (dry run)",
  );
});
