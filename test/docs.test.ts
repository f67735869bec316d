import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pages } from "../scripts/docs.ts";
import { loadConfig } from "../src/config/config.ts";
import type { Instrument } from "../src/telemetry/instrument.ts";
import { instruments } from "../src/telemetry/instruments.ts";
import { scrapedLabels } from "../src/telemetry/metrics.ts";

for (const { page, current, wanted } of pages()) {
  test(`${page} says what the code does (else: npm run docs)`, () => assert.equal(current, wanted));
}

const fenced = (page: string, language: string) =>
  [...readFileSync(page, "utf8").matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))].map(
    ([, text]) => text ?? "",
  );

test("the example files of docs/configuration.md and docs/memory.md are accepted", () => {
  const examples = ["docs/configuration.md", "docs/memory.md"].flatMap((page) => fenced(page, "ini"));
  assert.ok(examples.length > 0);
  for (const example of examples) loadConfig({}, example);
});

test("the alerts of docs/metrics.md ask for metrics and labels that exist", () => {
  const examples = fenced("docs/metrics.md", "promql");
  assert.ok(examples.length > 0);
  const samples = new Map<string, readonly string[]>(
    Object.values<Instrument>(instruments).flatMap((instrument) => {
      const labels = scrapedLabels(instrument).map(([name]) => name);
      const suffixes = instrument.kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
      return suffixes.map((suffix): [string, string[]] => [`${instrument.name}${suffix}`, [...labels, "le"]]);
    }),
  );
  for (const [, name, selector = ""] of examples
    .join("")
    .matchAll(/\b((?:datastorage|rpc|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)) {
    const labels = samples.get(name ?? "");
    if (labels === undefined)
      assert.ok([...samples.values()].flat().includes(name ?? ""), `no metric or label ${name}`);
    for (const [, label] of selector.matchAll(/(\w+)(?:=|!)/g))
      assert.ok(labels?.includes(label ?? ""), `${name} has no ${label}`);
  }
});
