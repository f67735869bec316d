// npm run docs: writes the parts of the pages in docs/ that follow from tables in the code.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { settingsMarkdown } from "../src/config/reference.ts";
import { metricsMarkdown } from "../src/telemetry/reference.ts";

/** A page of docs/ and the part of it that is made, between the comments `<!-- name -->` and `<!-- end of name -->`. */
interface MadePart {
  readonly page: string;
  readonly name: string;
  readonly text: string;
}

const parts: readonly MadePart[] = [
  { page: "docs/configuration.md", name: "settings", text: settingsMarkdown() },
  { page: "docs/metrics.md", name: "metrics", text: metricsMarkdown() },
];

/** Each page as it stands and as it should. */
export function pages(): { page: string; current: string; wanted: string }[] {
  return parts.map(({ page, name, text }) => {
    const current = readFileSync(file(page), "utf8");
    const [before, rest] = split(page, current, `<!-- ${name}: made by npm run docs -->`);
    const [, after] = split(page, rest, `<!-- end of ${name} -->`);
    const marked = `<!-- ${name}: made by npm run docs -->\n\n${text}\n\n<!-- end of ${name} -->`;
    return { page, current, wanted: `${before}${marked}${after}` };
  });
}

function split(page: string, text: string, marker: string): [before: string, after: string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`${page} has no ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

function file(page: string): string {
  return fileURLToPath(new URL(`../${page}`, import.meta.url));
}

if (import.meta.main) {
  for (const { page, current, wanted } of pages()) {
    if (current === wanted) continue;
    writeFileSync(file(page), wanted);
    console.log(`wrote ${page}`);
  }
}
