import type { Palette } from "./colour.ts";
import { cut, pad, printable, width } from "./text.ts";

export interface Column<Item> {
  readonly heading: string;
  readonly value: (item: Item) => string;
  /** Columns that it needs to be of use; narrower, and it is left out. Absent: its text is never cut. */
  readonly least?: number;
  /** Columns with a smaller number are the first to be left out. */
  readonly worth: number;
  /** The colour of a value. */
  readonly colour?: (item: Item, colours: Palette) => (text: string) => string;
}

const SPACE = "  ";
/** Columns that a table keeps however narrow the terminal is. */
const LEAST_COLUMNS = 3;

/** A table whose columns stay where the first page put them. */
export class Table<Item> {
  readonly #columns: readonly Fitted<Item>[];
  readonly #colours: Palette;

  /**
   * Fits the columns to the first items. `available`: columns of the terminal; undefined lets lines be as long as they get.
   * Columns that say nothing about any of these items are left out.
   */
  constructor(
    columns: readonly Column<Item>[],
    items: readonly Item[],
    available: number | undefined,
    colours: Palette,
  ) {
    this.#colours = colours;
    this.#columns = fitted(columns, items, available);
  }

  heading(): string {
    return this.#line(({ column, width: columns }, isLast) =>
      this.#colours.bold(isLast ? column.heading : pad(column.heading, columns)),
    );
  }

  row(item: Item): string {
    return this.#line(({ column, width: columns }, isLast) => {
      const text = printable(column.value(item));
      const cell = column.least === undefined ? text : cut(text, columns);
      const padded = isLast ? cell : pad(cell, columns);
      return column.colour === undefined ? padded : column.colour(item, this.#colours)(padded);
    });
  }

  #line(cell: (fitted: Fitted<Item>, isLast: boolean) => string): string {
    const last = this.#columns.length - 1;
    return this.#columns
      .map((column, index) => cell(column, index === last))
      .join(SPACE)
      .trimEnd();
  }
}

interface Fitted<Item> {
  readonly column: Column<Item>;
  width: number;
}

function fitted<Item>(
  all: readonly Column<Item>[],
  items: readonly Item[],
  available: number | undefined,
): readonly Fitted<Item>[] {
  let columns: Fitted<Item>[] = all
    .filter(({ value }) => items.length === 0 || items.some((item) => value(item) !== ""))
    .map((column) => ({
      column,
      width: Math.max(width(column.heading), ...items.map((item) => width(printable(column.value(item))))),
    }));
  if (available === undefined) return columns;
  const leastWidth = ({ column, width: wanted }: Fitted<Item>) => Math.min(column.least ?? wanted, wanted);
  const total = (of: (one: Fitted<Item>) => number) =>
    columns.reduce((sum, one) => sum + of(one), SPACE.length * (columns.length - 1));
  while (total(leastWidth) > available && columns.length > LEAST_COLUMNS) {
    const least = columns.reduce((a, b) => (b.column.worth < a.column.worth ? b : a));
    columns = columns.filter((one) => one !== least);
  }
  // What is left of the line is shared out: the widest column that can be cut gives first.
  for (let over = total(({ width: wanted }) => wanted) - available; over > 0; over--) {
    const widest = columns.filter((one) => one.width > leastWidth(one)).sort((a, b) => b.width - a.width)[0];
    if (widest === undefined) break;
    widest.width -= 1;
  }
  return columns;
}
