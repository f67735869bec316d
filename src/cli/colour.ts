import { styleText } from "node:util";

/** Puts text in a colour or weight, or leaves it as it is where colours are not wanted. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const NAMES = ["bold", "dim", "red", "green", "yellow", "cyan"] as const;

export function palette(coloured: boolean): Palette {
  const paint = (name: (typeof NAMES)[number]) => (text: string) =>
    coloured && text !== "" ? styleText(name, text, { validateStream: false }) : text;
  return Object.fromEntries(NAMES.map((name) => [name, paint(name)])) as unknown as Palette;
}

export const COLOUR_CHOICES = ["auto", "always", "never"] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

/** Whether to colour: as `--color` says; with `auto` on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb is set. */
export function wantsColour(
  choice: ColourChoice,
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (choice !== "auto") return choice === "always";
  return isTerminal && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}
