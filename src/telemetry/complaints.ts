import type { DiagLogger } from "@opentelemetry/api";
import type { Logger } from "./logs.ts";

const QUIET_MS = 60_000;

/**
 * What the OpenTelemetry SDK has to complain about, as warnings, at most one a minute: a collector that is away stays
 * away for a while. `now` gives milliseconds of a clock that only goes forward.
 */
export function complaints(log: Logger, now: () => number = () => performance.now()): DiagLogger {
  let quietUntil = Number.NEGATIVE_INFINITY;
  const complain = (message: string) => {
    if (now() < quietUntil) return;
    quietUntil = now() + QUIET_MS;
    log.warn({ detail: gist(message) }, "traces cannot be delivered as they should");
  };
  const ignore = () => {};
  return { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore };
}

/** The SDK hands errors over as JSON text with their stack; only the message is of use to an operator. */
function gist(message: string): string {
  const [, text] = /"message":("(?:[^"\\]|\\.)*")/.exec(message) ?? [];
  return (text === undefined ? message : String(JSON.parse(text))).slice(0, 300);
}
