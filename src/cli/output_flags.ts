import { COLOUR_CHOICES, type Palette, palette, wantsColour } from "./colour.ts";
import type { Flags, Invocation } from "./command.ts";
import { wordOf } from "./values.ts";

/** The flags of every command that prints something. */
export const outputFlags = {
  json: { help: "print JSON, for programs" },
  color: { value: "WHEN", help: "auto, always or never (default auto: on a terminal, unless NO_COLOR is set)" },
} as const satisfies Flags;

/** The colours for what goes to standard output. @throws UsageError for a `--color` that is none. */
export function outputColours({ given, terminal }: Invocation): Palette {
  const choice = wordOf(given, "color", COLOUR_CHOICES) ?? "auto";
  return palette(wantsColour(choice, terminal.stdout.isTerminal, terminal.env));
}
