import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import * as fc from "fast-check";
import { dump } from "js-yaml";
import { actionTypeObject, type Loose, workflowObject } from "../../../test/support/workflow_sample.ts";
import { Fault } from "../../fault.ts";
import { canonicalText, type Json } from "../../integrity/canonical.ts";
import { readAside } from "./aside.ts";
import { readActionTypeContent, readWorkflowContent } from "./content.ts";

type Reader = (text: string) => Promise<{ content: unknown; warnings: string[] }>;

/** Reads a text, which must be taken as a JSON value or refused with a few violations that can be sent. */
async function readSafely(read: Reader, text: string): Promise<"taken" | "refused"> {
  try {
    canonicalText(structuredClone((await read(text)).content) as Json);
    return "taken";
  } catch (error) {
    assert.ok(error instanceof Fault && error.kind === "invalid", `${text}\n${(error as Error).stack}`);
    const violations = error.details.violations ?? [];
    assert.ok(violations.length >= 1 && violations.length <= 50);
    for (const { field, description } of violations) {
      assert.match(field, /^(content|metadata|spec)/);
      assert.match(description, /^must /);
      assert.ok((field + description).isWellFormed() && !(field + description).includes("\0"));
    }
    return "refused";
  }
}

/** Every place of a JSON value, as the way to it. */
function places(value: unknown, way: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [way];
  return [way, ...Object.entries(value).flatMap(([key, member]) => places(member, [...way, key]))];
}

function put(object: Loose, way: readonly string[], value: unknown): void {
  let at = object;
  for (const key of way.slice(0, -1)) at = at[key] as Loose;
  at[way.at(-1) as string] = value;
}

const full = (): Loose =>
  workflowObject({
    detectedLabels: { stateful: "true", gitOpsTool: "*" },
    customLabels: { team: ["web"] },
    dependencies: { secrets: [{ name: "a" }] },
    parameters: [
      { name: "A", type: "string", enum: ["a", "b"], pattern: "^[ab]$", default: "a", dependsOn: ["B"] },
      { name: "B", type: "integer", minimum: 1, maximum: 9, default: 3 },
    ],
    rollbackParameters: [{ name: "C", type: "object", default: {} }],
  });

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }),
  fc.constantFrom(
    "",
    "*",
    "__proto__",
    "constructor",
    "a\0b",
    "\ud800",
    -0,
    1e308,
    5e-324,
    {},
    [],
    [[]],
    "(",
    "a{9}",
    "x".repeat(300),
  ),
  fc.dictionary(
    fc.constantFrom("constructor", "toString", "__proto__", "length", "name", "type"),
    fc.jsonValue({ maxDepth: 1 }),
  ),
);

test("any value at any place is taken or refused with what must be", async () => {
  const ways = places(full()).filter((way) => way.length > 0);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...ways), odd), { minLength: 1, maxLength: 3 }),
      async (changes) => {
        const object = full();
        for (const [way, value] of changes) {
          try {
            // A copy: what one change puts there, the next may change.
            put(object, way, structuredClone(value));
          } catch {
            // A change before it took the place away.
          }
        }
        await readSafely(readWorkflowContent, JSON.stringify(object));
      },
    ),
    { numRuns: 1_500 },
  );
});

test("any change of the text is taken or refused with what must be", async () => {
  const texts = [dump(full()), JSON.stringify(full()), dump(actionTypeObject()), JSON.stringify(actionTypeObject())];
  const piece = fc.oneof(
    fc.string({ maxLength: 4, unit: "binary" }),
    fc.constantFrom(
      "- ",
      "? ",
      ": ",
      "&a ",
      "*a",
      "!!str ",
      "!!int ",
      "!x ",
      "|\n",
      ">\n",
      "[",
      "]",
      "{",
      "}",
      '"',
      "'",
      "#",
    ),
    fc.constantFrom(
      "\t",
      "\n",
      "\r",
      "\n---\n",
      "\n...\n",
      "%TAG ! x\n",
      "\ufeff",
      "\0",
      "<<: ",
      "\\u0000",
      "\\",
      "0x",
      ".nan",
      "~",
    ),
  );
  const change = fc.record({ at: fc.nat(2_000), cut: fc.nat(6), piece });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...texts),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (text, changes) => {
        let changed = text;
        for (const { at, cut, piece } of changes) {
          const start = at % (changed.length + 1);
          changed = changed.slice(0, start) + piece + changed.slice(start + cut);
        }
        await readSafely(readWorkflowContent, changed);
        await readSafely(readActionTypeContent, changed);
      },
    ),
    { numRuns: 1_500 },
  );
});

const HEAD = "apiVersion: kubernaut.ai/v1alpha1\nkind: RemediationWorkflow\nmetadata: {name: a}\nspec:\n";

/** Texts that cost as much as their size allows. */
const COSTLY: Readonly<Record<string, (size: number) => string>> = {
  "many documents": (size) => "---\n".repeat(size / 4),
  "pairs in a list": (size) => `${HEAD}  a: [${"a:,".repeat((size - 100) / 3)}]`,
  "nested lists": (size) => `${HEAD}  a: [${`${"[".repeat(50)}a: b${"]".repeat(50)},`.repeat((size - 200) / 105)}]`,
  "keys of keys": (size) =>
    `${HEAD}  ${"[".repeat(55)}${"1,".repeat(size / 2 - 100)}${"]: b]".repeat(20)}${"]".repeat(35)}`,
  "properties that may be keys": (size) => HEAD + "  &a\n  !!str &b\n".repeat(size / 16),
  "nested properties": () =>
    HEAD +
    Array.from(
      { length: 55 },
      (_, depth) => `${" ".repeat(depth + 2)}&a${depth}\n${" ".repeat(depth + 2)}&b a:\n`,
    ).join(""),
  "many keys": (size) => HEAD + Array.from({ length: size / 12 }, (_, index) => `  k${index}:\n`).join(""),
  "an empty scalar of many lines": (size) => `${HEAD}  a: >\n${"\n".repeat(size - 200)}  b`,
};

test("a text of 64 KiB that costs much is read at once", async () => {
  for (const [name, make] of Object.entries(COSTLY)) {
    const begun = performance.now();
    await readSafely(readWorkflowContent, make(63 * 1024));
    const took = performance.now() - begun;
    assert.ok(took < 3_000, `${name} took ${took} ms`);
  }
});

/** How often a timer of 1 ms rang while a promise was awaited: not at all where that held the thread. */
async function ticksDuring(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await work();
  clearInterval(timer);
  return ticks;
}

test("a text of 2 MiB that costs much stalls nothing", async () => {
  for (const [name, make] of Object.entries(COSTLY).slice(0, 3)) {
    const ticks = await ticksDuring(() => readSafely(readWorkflowContent, make(2 * 1024 * 1024)));
    assert.ok(ticks > 20, `${name}: ${ticks} ticks`);
  }
});

const withParameters = (count: number, parameter: Loose) =>
  JSON.stringify(
    workflowObject({
      parameters: Array.from({ length: count }, (_, index) => ({ name: `P${index}`, type: "string", ...parameter })),
    }),
  );

test("patterns that cost much are compiled and matched aside", async () => {
  const costly = withParameters(1, { pattern: "a{1000}".repeat(140), default: "b" });
  const ticks = await ticksDuring(async () => assert.equal(await readSafely(readWorkflowContent, costly), "refused"));
  assert.ok(ticks > 20, `${ticks} ticks`);
  const long = withParameters(1, { pattern: "(a|b)*(c|d)*$", default: "ab".repeat(30_000) });
  assert.ok((await ticksDuring(() => readWorkflowContent(long))) > 5);
});

const endless = withParameters(4, { pattern: "\\pL{1000}".repeat(100), default: "a".repeat(64_000) });

test("what takes too long aside is refused, and the next one is read", async () => {
  await ticksDuring(async () => {
    const [refused, taken] = await Promise.all([
      readAside("RemediationWorkflow", endless, 500),
      readAside("RemediationWorkflow", withParameters(1, { pattern: "^a{3}$", default: "aaa" })),
    ]);
    assert.deepEqual(refused, {
      violations: [{ field: "content", description: "must be simpler: it is too complex to read" }],
    });
    assert.ok("content" in taken);
  });
});

test("a text that is read aside does not keep the process alive", () => {
  const script = `import { readAside } from "./src/catalog/content/aside.ts";
    readAside("RemediationWorkflow", ${JSON.stringify(endless)}, 60_000);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module"], {
    input: script,
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual([status, stderr], [0, ""]);
});
