import { rules } from "./rules.ts";
import { CONFIG_FILE_VARIABLE, type Setting, sections, settings } from "./settings.ts";

const COLUMNS = 96;

/** What `datastorage serve --help` prints: the usage, then every setting with its values and default; lines up to 96 columns. */
export function serveHelp(): string {
  const paragraphs = [
    "Usage: datastorage serve [--config FILE] [--data-dir DIR] [--fresh]",
    wrap(
      "Serves the audit store until it gets SIGTERM or SIGINT. Settings are environment variables, or lines NAME=value " +
        `of the file that --config or ${CONFIG_FILE_VARIABLE} names; the environment wins over the file. ` +
        "--data-dir DIR is DATASTORAGE_DATA_DIR=DIR; --fresh empties that folder of what the embedded servers stored.",
      0,
    ),
    ...Object.entries(sections).map(([title, group]) =>
      [`${title}:`, ...Object.values<Setting<unknown>>(group).map(helpEntry)].join("\n"),
    ),
    ["Together:", ...rules.map(({ of: [first], text }) => wrap(`${settings[first].variable} ${text}.`, 2))].join("\n"),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

function helpEntry({ variable, kind, fallback, description }: Setting<unknown>): string {
  const values = `${variable} (${plain(kind.syntax)}; ${fallback === undefined ? "unset" : `default ${fallback}`})`;
  return `  ${values}\n${wrap(plain(description), 6)}`;
}

function plain(markdown: string): string {
  return markdown.replaceAll("`", "");
}

function wrap(text: string, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && indent + line.length + word.length >= COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/** The tables of docs/configuration.md, one a section, and the rules between settings. */
export function settingsMarkdown(): string {
  const tables = Object.entries(sections).map(([title, group]) =>
    [
      `### ${title}`,
      "",
      "| Variable | Default | Values | Meaning |",
      "|---|---|---|---|",
      ...Object.values<Setting<unknown>>(group).map(
        ({ variable, kind, fallback, description }) =>
          `| \`${variable}\` | ${fallback === undefined ? "–" : `\`${fallback}\``} | ${kind.syntax} | ${description} |`,
      ),
    ].join("\n"),
  );
  const together = rules.map(({ of: [first], text }) => `- \`${settings[first].variable}\` ${text}.`);
  return [...tables, ["### Together", "", ...together].join("\n")].join("\n\n");
}
