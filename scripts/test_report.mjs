// Reporter of node:test for people: a line a test file, failures in full, the reason of each skip, and diagnostics.
import { relative } from "node:path";
import { inspect } from "node:util";

/** @param {AsyncIterable<import("node:test/reporters").TestEvent>} source */
export default async function* report(source) {
  const files = new Map();
  for await (const { type, data } of source) {
    const file = data?.file;
    if (!file) continue;
    if (!files.has(file)) files.set(file, { details: [], output: [], failed: false });
    const notes = files.get(file);
    if (type === "test:fail") addFailure(notes, data);
    else if (type === "test:pass" && data.skip !== undefined)
      notes.details.push(`    skipped: ${data.name}${reason(data.skip)}`);
    else if (type === "test:stdout" || type === "test:stderr") notes.output.push(data.message);
    else if (type === "test:diagnostic" && data.nesting > 0) notes.details.push(`    ${data.message}`);
    else if (type === "test:summary") {
      yield lineOf(file, notes, data);
      files.delete(file);
    }
  }
  for (const [file, notes] of files) if (notes.failed) yield lineOf(file, notes, undefined);
}

function addFailure(notes, data) {
  notes.failed = true;
  const error = data.details.error;
  const cause = error?.cause ?? error;
  if (error?.failureType === "subtestsFailed") return;
  const ended = error?.failureType === "testCodeFailure" && (error.exitCode ?? error.signal);
  const text =
    cause instanceof Error ? inspect(cause, { depth: 4 }) : `${cause}${ended ? ` (ended with ${ended})` : ""}`;
  notes.details.push(`    ✖ ${data.name} (line ${data.line})\n${text.replaceAll(/^/gm, "        ")}`);
}

function reason(skip) {
  return typeof skip === "string" ? ` (${skip})` : "";
}

function lineOf(file, notes, summary) {
  const good = !notes.failed && (summary?.success ?? false);
  const name = relative(process.cwd(), file);
  const tests = summary
    ? `${summary.counts.tests} tests, ${(summary.duration_ms / 1000).toFixed(1)} s`
    : "did not finish";
  const lines = [`  ${good ? "✔" : "✖"} ${name} (${tests})`, ...notes.details];
  if (!good && notes.output.length > 0) lines.push("    printed:", notes.output.join("").replaceAll(/^/gm, "      "));
  return `${lines.join("\n")}\n`;
}
