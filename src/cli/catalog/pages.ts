import type { Palette } from "../colour.ts";
import type { Flags, Given, Invocation } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { type Column, Table } from "../table.ts";
import { numberOf } from "../values.ts";

const DEFAULT_LIMIT = 100;
const LARGEST_PAGE = 1000;

/** The flags of every list. `noun`: what it lists, in the plural. */
export function limitFlags(noun: string): { readonly limit: Flags[string]; readonly all: Flags[string] } {
  return {
    limit: { value: "N", help: `${noun} at most (default ${DEFAULT_LIMIT})` },
    all: { help: "all of them, however many" },
  };
}

/** How many are asked for. @throws UsageError for what is no number, and for both flags together. */
export function readLimit(given: Given): number {
  if (given.has("all") && given.has("limit")) throw new UsageError("--all and --limit do not go together");
  return given.has("all") ? Number.POSITIVE_INFINITY : (numberOf(given, "limit", 1, 1e9) ?? DEFAULT_LIMIT);
}

/** One page of a list; `more`: whether further ones may follow, be it beyond the limit. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
}

/** Asks for a page. */
export type AskPage<Item> = (request: {
  readonly pageSize: number;
  readonly pageToken: string;
}) => Promise<{ readonly items: readonly Item[]; readonly nextPageToken: string }>;

/** `limit` items at most, page by page; each page is asked for when the one before has been used. */
export async function* pagesOf<Item>(ask: AskPage<Item>, limit: number): AsyncGenerator<Page<Item>> {
  let left = limit;
  let pageToken = "";
  do {
    const { items, nextPageToken } = await ask({ pageSize: Math.min(left, LARGEST_PAGE), pageToken });
    left -= items.length;
    pageToken = nextPageToken;
    yield { items, more: pageToken !== "" };
  } while (left > 0 && pageToken !== "");
}

/** How a list is printed. */
export interface ListLook<Item> {
  readonly columns: readonly Column<Item>[];
  readonly json: (item: Item) => string;
  /** What is listed, in the plural. */
  readonly noun: string;
  readonly colours: Palette;
}

/** Prints a list: a table fitted to its first page, or one JSON object a line with --json. */
export async function printPages<Item>(
  pages: AsyncIterable<Page<Item>>,
  { given, terminal }: Invocation,
  { columns, json, noun, colours }: ListLook<Item>,
): Promise<void> {
  if (given.has("json")) {
    for await (const { items } of pages) await terminal.stdout.write(items.map((item) => `${json(item)}\n`).join(""));
    return;
  }
  let table: Table<Item> | undefined;
  let rest = false;
  for await (const { items, more } of pages) {
    rest = more;
    if (items.length === 0) continue;
    const heading = table === undefined;
    table ??= new Table(columns, items, terminal.stdout.columns, colours);
    const rows = items.map((item) => table?.row(item));
    await terminal.stdout.write(`${[...(heading ? [table.heading()] : []), ...rows].join("\n")}\n`);
  }
  if (table === undefined) await terminal.stderr.write(`no ${noun} match\n`);
  else if (rest) await terminal.stderr.write("There may be more: --limit N or --all shows them.\n");
}
