import { stripVTControlCharacters, styleText } from "node:util";
import type { LogSink } from "./logs.ts";

type Entry = Readonly<Record<string, unknown>>;

const COLOURS = { trace: "gray", debug: "gray", info: "green", warn: "yellow", error: "red", fatal: "red" } as const;

/** Turns JSON log lines into lines for people on their way to `sink`. */
export function textForm(sink: LogSink, { colour }: { readonly colour: boolean }): LogSink {
  return { write: (line) => sink.write(`${formatEntry(JSON.parse(line) as Entry, colour)}\n`) };
}

/**
 * One entry as a line: time of day, level, message, fields as name=value. Errors show their messages, outermost first;
 * entries of level error and worse also the stack, on lines of its own. Nothing that was logged can break out of its line.
 */
function formatEntry({ time, level, msg, service: _service, err, ...fields }: Entry, colour: boolean): string {
  const severity = String(level);
  const paint = (style: (typeof COLOURS)[keyof typeof COLOURS] | "dim", text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const rest = Object.entries(fields).map(([name, value]) => `${paint("dim", `${name}=`)}${inline(value)}`);
  const parts = [
    paint("dim", String(time).slice(11, 23)),
    paint(COLOURS[severity as keyof typeof COLOURS] ?? "red", severity.toUpperCase().padEnd(5)),
    oneLine(String(msg ?? "")),
    ...(err === undefined ? [] : [`${paint("dim", "err=")}${JSON.stringify(messages(err))}`]),
    ...rest,
  ];
  const stack = severity === "error" || severity === "fatal" ? frames(err) : [];
  return [parts.join(" "), ...stack.map((frame) => paint("dim", `    ${oneLine(frame)}`))].join("\n");
}

function inline(value: unknown): string {
  const plain = typeof value === "string" && /^[\w.:/@+-]+$/.test(value);
  return plain ? value : oneLine(JSON.stringify(value) ?? "undefined");
}

function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
}

function messages(error: unknown): string {
  const { message, cause } = (error ?? {}) as { message?: unknown; cause?: unknown };
  const own = oneLine(String(message ?? error));
  return cause === undefined ? own : `${own}: ${messages(cause)}`;
}

function frames(error: unknown): string[] {
  const { stack, cause } = (error ?? {}) as { stack?: unknown; cause?: unknown };
  const own = typeof stack === "string" && stack !== "" ? stack.split("\n") : [];
  const causes = cause === undefined ? [] : frames(cause);
  return causes.length === 0 ? own : [...own, "caused by", ...causes];
}
