import { noPositionals } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type EventPage, eventJson, listEvents } from "../events.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { numberOf } from "../values.ts";
import { filterFlags, readFilter } from "./filter.ts";
import { EventTable } from "./table.ts";

const DEFAULT_LIMIT = 100;

export const list: Command = {
  name: "list",
  summary: "Lists events, the newest first: a table for people, one JSON object a line with --json.",
  positionals: "",
  notes: [
    "Every flag that is given must match; of several values of one flag, any may. A table is cut to the terminal; into a " +
      "pipe or a file its lines are whole.",
  ],
  flags: {
    ...filterFlags,
    "order-by": {
      value: "ORDER",
      help: "'event_timestamp desc' (default), event_timestamp, or chain_position with --correlation-id",
    },
    limit: { value: "N", help: `events at most (default ${DEFAULT_LIMIT})` },
    all: { help: "all of them, however many" },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runList,
};

async function runList(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  if (given.has("all") && given.has("limit")) throw new UsageError("--all and --limit do not go together");
  const limit = given.has("all") ? Number.POSITIVE_INFINITY : (numberOf(given, "limit", 1, 1e9) ?? DEFAULT_LIMIT);
  const filter = readFilter(given, new Date());
  const colours = outputColours(invocation);
  const { client, target, close } = connect(invocation);
  try {
    const { timeoutMs } = target;
    const query = { filter, orderBy: given.text("order-by") ?? "", limit, timeoutMs, signal: terminal.signal };
    const pages = listEvents(client, query);
    if (given.has("json")) await printJson(pages, invocation);
    else await printTable(pages, invocation, (events) => new EventTable(events, terminal.stdout.columns, colours));
    return EXIT.ok;
  } finally {
    close();
  }
}

async function printJson(pages: AsyncIterable<EventPage>, { terminal }: Invocation): Promise<void> {
  for await (const { events } of pages) {
    if (events.length > 0) await terminal.stdout.write(events.map((event) => `${eventJson(event)}\n`).join(""));
  }
}

async function printTable(
  pages: AsyncIterable<EventPage>,
  { terminal }: Invocation,
  fit: (events: EventPage["events"]) => EventTable,
): Promise<void> {
  let table: EventTable | undefined;
  let told = 0;
  let rest = false;
  for await (const { events, more } of pages) {
    rest = more;
    if (events.length === 0) continue;
    const heading = table === undefined ? [] : undefined;
    table ??= fit(events);
    const rows = [...(heading === undefined ? [] : [table.heading()]), ...events.map((event) => table?.row(event))];
    await terminal.stdout.write(`${rows.join("\n")}\n`);
    told += events.length;
  }
  if (told === 0) await terminal.stderr.write("no events match\n");
  else if (rest) await terminal.stderr.write("There may be more: --limit N or --all shows them.\n");
}
