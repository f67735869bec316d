import type { Command, Flags } from "./command.ts";
import { EXIT_MEANINGS } from "./exit_code.ts";
import { wrap } from "./text.ts";

const COLUMNS = 96;

/** What `datastorage COMMAND --help` prints; lines up to 96 columns. */
export function commandHelp(command: Command): string {
  if (command.help !== undefined) return command.help();
  const usage = ["Usage: datastorage", command.name, command.positionals, "[flags]"].filter((part) => part !== "");
  const paragraphs = [usage.join(" "), paragraph(command.summary), ...(command.notes ?? []).map(paragraph)];
  if (Object.keys(command.flags).length > 0) paragraphs.push(`Flags:\n${flagLines(command.flags)}`);
  return `${paragraphs.join("\n\n")}\n`;
}

/** What `datastorage help` prints. */
export function overview(commands: readonly Command[]): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  const listed = commands.map(({ name, summary }) => hanging(`  ${name.padEnd(longest)}  `, summary));
  const codes = EXIT_MEANINGS.map(([code, meaning]) => hanging(`  ${String(code).padEnd(3)}  `, meaning));
  return [
    "Usage: datastorage COMMAND [arguments] [flags]",
    `Commands:\n${listed.join("\n")}`,
    `Exit codes:\n${codes.join("\n")}`,
    "`datastorage COMMAND --help` tells more of each.\n",
  ].join("\n\n");
}

/** The flags of a command, one entry each; those alike for all commands come last in the table and so in the help. */
function flagLines(flags: Flags): string {
  const entries = Object.entries({ ...flags, help: { short: "h", help: "print this" } }).map(
    ([name, { short, value, repeated, help }]: [string, Flags[string]]) => ({
      head: `  ${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
      help: repeated === true ? `${help} (may be repeated)` : help,
    }),
  );
  const column = Math.min(30, Math.max(...entries.map(({ head }) => head.length)) + 2);
  return entries
    .map(({ head, help }) =>
      head.length + 2 > column ? `${head}\n${hanging(" ".repeat(column), help)}` : hanging(head.padEnd(column), help),
    )
    .join("\n");
}

function paragraph(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.startsWith("  ") ? line : wrap(line, COLUMNS).join("\n")))
    .join("\n");
}

function hanging(head: string, text: string): string {
  return head + wrap(text, COLUMNS - head.length).join(`\n${" ".repeat(head.length)}`);
}
