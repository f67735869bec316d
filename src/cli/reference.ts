import type { Command, Flags } from "./command.ts";
import { connectionFlags } from "./connection.ts";
import { EXIT_MEANINGS } from "./exit_code.ts";
import { outputFlags } from "./output_flags.ts";

const SHARED: Flags = { ...connectionFlags, ...outputFlags };

/** The commands for docs/cli.md: each with its flags, and those of most commands once. */
export function commandsMarkdown(commands: readonly Command[]): string {
  const shared = ["### Flags of most commands", "", ...flagTable(SHARED)].join("\n");
  return [...commands.map(commandMarkdown), shared].join("\n\n");
}

/** The exit codes for docs/cli.md. */
export function exitCodesMarkdown(): string {
  return [
    "| Code | Meaning |",
    "|---|---|",
    ...EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`),
  ].join("\n");
}

function commandMarkdown({ name, positionals, summary, notes = [], flags }: Command): string {
  const usage = ["datastorage", name, positionals].filter((part) => part !== "").join(" ");
  const own = Object.fromEntries(Object.entries(flags).filter(([flag, about]) => SHARED[flag] !== about));
  const shares = Object.keys(flags).length > Object.keys(own).length && Object.hasOwn(flags, "address");
  return [
    `### \`${usage}\``,
    [summary, ...notes].join("\n\n"),
    ...(Object.keys(own).length > 0 ? [flagTable(own).join("\n")] : []),
    ...(shares ? ["Also takes the [flags of most commands](#flags-of-most-commands)."] : []),
  ].join("\n\n");
}

function flagTable(flags: Flags): string[] {
  return [
    "| Flag | Meaning |",
    "|---|---|",
    ...Object.entries(flags).map(([name, { short, value, repeated, help }]) => {
      const long = `\`--${name}${value === undefined ? "" : ` ${value}`}\``;
      const written = short === undefined ? long : `\`-${short}\`, ${long}`;
      return `| ${written} | ${help}${repeated === true ? " (may be repeated)" : ""} |`;
    }),
  ];
}
