import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { CatalogDescription } from "../../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import type { Palette } from "../colour.ts";
import { secondText } from "../deadletter/letters.ts";
import { pad, printable, width, wrap } from "../text.ts";

/** Something that is told of an object: its name, and what it is. */
export type Fact = readonly [name: string, text: string];

const SPACE = "  ";
/** Columns in which a text is wrapped however narrow the terminal is. */
const LEAST_COLUMNS = 20;

/**
 * Facts as lines, the names in a column of their own; those without a text are left out. `available`: columns of the
 * terminal, in which texts are wrapped; undefined lets lines be as long as they get. Texts are made printable here.
 */
export function factLines(facts: readonly Fact[], available: number | undefined, colours: Palette): string[] {
  const told = facts.filter(([, text]) => text !== "");
  const longest = Math.max(0, ...told.map(([name]) => width(name)));
  const indent = " ".repeat(longest) + SPACE;
  return told.flatMap(([name, text]) => {
    const [first = "", ...others] = wrapped(printable(text), available, indent.length);
    return [`${colours.dim(pad(name, longest))}${SPACE}${first}`, ...others.map((line) => indent + line)];
  });
}

/** Text in lines that fit beside an indentation. */
export function wrapped(text: string, available: number | undefined, indent: number): string[] {
  return available === undefined ? [text] : wrap(text, Math.max(LEAST_COLUMNS, available - indent));
}

/** What an action type or a workflow is for. */
export function descriptionFacts(description: CatalogDescription | undefined): Fact[] {
  if (description === undefined) return [];
  const { what, whenToUse, whenNotToUse, preconditions } = description;
  return [
    ["What", what],
    ["When to use", whenToUse],
    ["When not to", whenNotToUse],
    ["Preconditions", preconditions],
  ];
}

/** `2026-05-13 21:24:03 by dana`; what is not known is left out. */
export function doneText(time: Timestamp | undefined, by = ""): string {
  const second = secondText(time);
  return by === "" ? second : `${second} by ${by}`.trimStart();
}
