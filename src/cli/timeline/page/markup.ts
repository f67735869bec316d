import { printable } from "../../text.ts";

/** Text that is HTML already. Only `html` and constants of this folder make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in markup: text is escaped, markup stays as it is, what is absent takes no room. */
export type Content = string | number | Markup | readonly Content[] | undefined;

/**
 * HTML with values in it. Every text is escaped, for elements and for attributes in double quotes alike, and shown without
 * characters that control the display: what an event says MUST NOT become markup or change the order of what is around it.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + textOf(values[index - 1]) + part));
}

function textOf(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "number") return String(content);
  if (typeof content === "string") return printable(content).replaceAll(/[&<>"']/g, (one) => ENTITIES[one] ?? "");
  return content.map(textOf).join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
