import { trace } from "@opentelemetry/api";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";
import { serializeError } from "./log_error.ts";
import { textForm } from "./log_text.ts";

export type { Logger } from "pino";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
/** `json`: one JSON object a line; `text`: one readable line an entry; `auto`: text when stderr is a terminal, else json. */
export type LogFormat = "json" | "text" | "auto";

/** Takes whole log lines, each with its line break. */
export interface LogSink {
  write(line: string): void;
}

export interface LogOptions {
  /** Default `auto`. */
  readonly format?: LogFormat;
  /** Where lines go; default stderr. */
  readonly sink?: LogSink;
}

/**
 * A logger of JSON lines: `time` (UTC), `level`, `msg`, the fields of the entry, `err` with its causes, and `trace_id`
 * and `span_id` while a span is active.
 *
 * What events carry is never logged: callers MUST NOT pass payloads or messages of events; fields with their names are
 * taken out all the same.
 */
export function createLogger(level: LogLevel = "info", { format = "auto", sink }: LogOptions = {}): Logger {
  const asText = format === "text" || (format === "auto" && sink === undefined && process.stderr.isTTY === true);
  const lines = sink ?? destination({ fd: 2, sync: true });
  return pino(
    {
      level,
      base: { service: "kubernaut-datastorage" },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError },
      redact: { paths: EVENT_CONTENT.flatMap((field) => [field, `*.${field}`]), remove: true },
      mixin: activeSpan,
    },
    asText ? textForm(lines, { colour: sink === undefined && wantsColour() }) : lines,
  );
}

const EVENT_CONTENT = [
  "event_data",
  "event_data_json",
  "eventData",
  "eventDataJson",
  "error_message",
  "errorMessage",
  "payload",
];

function activeSpan(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

function wantsColour(): boolean {
  return process.stderr.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
}
