// npm run docs: writes the parts of the pages in docs/ that follow from tables in the code.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadCommands } from "../src/cli/commands.ts";
import { commandsMarkdown, exitCodesMarkdown } from "../src/cli/reference.ts";
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
  { page: "docs/cli.md", name: "exit codes", text: exitCodesMarkdown() },
  { page: "docs/cli.md", name: "commands", text: commandsMarkdown(await loadCommands()) },
];

/** Each page as it stands and as it should. */
export function pages(): { page: string; current: string; wanted: string }[] {
  return [...Map.groupBy(parts, ({ page }) => page)].map(([page, made]) => {
    const current = readFileSync(file(page), "utf8");
    return { page, current, wanted: made.reduce(withPart, current) };
  });
}

function withPart(text: string, { page, name, text: made }: MadePart): string {
  const [before, rest] = split(page, text, `<!-- ${name}: made by npm run docs -->`);
  const [, after] = split(page, rest, `<!-- end of ${name} -->`);
  return `${before}<!-- ${name}: made by npm run docs -->\n\n${made}\n\n<!-- end of ${name} -->${after}`;
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
