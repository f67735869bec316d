import type { DeadLetter } from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { Palette } from "../colour.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { type Column, Table } from "../table.ts";
import { numberOf } from "../values.ts";
import { letterFilterFlags, letterJson, listLetters, readLetterFilter, reasonName, secondText } from "./letters.ts";

const DEFAULT_LIMIT = 100;

export const list: Command = {
  name: "deadletter list",
  summary:
    "Lists dead letters, the oldest first: events that were acknowledged as queued and that the database refuses. A table for " +
    "people, one JSON object a line with --json.",
  positionals: "",
  notes: ["Every flag that is given must match. --json tells the whole event, and the error in full."],
  flags: {
    ...letterFilterFlags,
    limit: { value: "N", help: `letters at most (default ${DEFAULT_LIMIT})` },
    all: { help: "all of them, however many" },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runList,
};

const COLUMNS: readonly Column<DeadLetter>[] = [
  { heading: "ID", value: ({ id }) => id, worth: 9 },
  { heading: "REASON", value: ({ reason }) => reasonName(reason), worth: 9, colour: (_, { red }) => red },
  { heading: "SINCE (UTC)", value: ({ deadLetteredTime }) => secondText(deadLetteredTime), worth: 6 },
  { heading: "TRIES", value: ({ tries }) => String(tries), worth: 3 },
  { heading: "TYPE", value: typeText, least: 20, worth: 7 },
  { heading: "CORRELATION", value: ({ correlationId }) => correlationId, least: 12, worth: 5 },
  { heading: "EVENT ID", value: ({ eventId }) => eventId, worth: 1 },
  { heading: "ERROR", value: ({ description }) => description, least: 20, worth: 8 },
];

function typeText({ content }: DeadLetter): string {
  return content.case === "event" ? content.value.eventType : "";
}

async function runList(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  if (given.has("all") && given.has("limit")) throw new UsageError("--all and --limit do not go together");
  const limit = given.has("all") ? Number.POSITIVE_INFINITY : (numberOf(given, "limit", 1, 1e9) ?? DEFAULT_LIMIT);
  const filter = readLetterFilter(given);
  const colours = outputColours(invocation);
  const { deadLetters, target, close } = connect(invocation);
  try {
    const pages = listLetters(deadLetters, filter, limit, { timeoutMs: target.timeoutMs, signal: terminal.signal });
    if (given.has("json")) {
      for await (const { letters } of pages)
        await terminal.stdout.write(letters.map((one) => `${letterJson(one)}\n`).join(""));
    } else await printTable(pages, invocation, colours);
    return EXIT.ok;
  } finally {
    close();
  }
}

async function printTable(
  pages: AsyncIterable<{ letters: readonly DeadLetter[]; more: boolean }>,
  { terminal }: Invocation,
  colours: Palette,
): Promise<void> {
  let table: Table<DeadLetter> | undefined;
  let rest = false;
  for await (const { letters, more } of pages) {
    rest = more;
    if (letters.length === 0) continue;
    const heading = table === undefined;
    table ??= new Table(COLUMNS, letters, terminal.stdout.columns, colours);
    const rows = letters.map((letter) => table?.row(letter));
    await terminal.stdout.write(`${[...(heading ? [table.heading()] : []), ...rows].join("\n")}\n`);
  }
  if (table === undefined) await terminal.stderr.write("no dead letters match\n");
  else if (rest) await terminal.stderr.write("There may be more: --limit N or --all shows them.\n");
}
