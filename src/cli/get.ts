import { type AuditEvent, PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import { onlyPositional } from "./arguments.ts";
import type { Palette } from "./colour.ts";
import type { Command, Invocation } from "./command.ts";
import { connect, connectionFlags } from "./connection.ts";
import { eventJson, payloadOf } from "./events.ts";
import { EXIT, type ExitCode, UsageError } from "./exit_code.ts";
import { outputColours, outputFlags } from "./output_flags.ts";
import { printable } from "./text.ts";

export const get: Command = {
  name: "get",
  summary: "Prints one event with everything that is stored of it.",
  positionals: "EVENT_ID",
  flags: { ...connectionFlags, ...outputFlags },
  run: runGet,
};

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const eventId = onlyPositional(given, "EVENT_ID");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(eventId)) {
    throw new UsageError(`EVENT_ID must be a UUID, and not ${JSON.stringify(eventId)}`);
  }
  const colours = outputColours(invocation);
  const { client, target, close } = connect(invocation);
  try {
    const options = { timeoutMs: target.timeoutMs, signal: terminal.signal };
    const { event } = await client.getEvent({ eventId, payloadForm: PayloadForm.JSON }, options);
    if (event !== undefined)
      await terminal.stdout.write(given.has("json") ? `${eventJson(event)}\n` : eventText(event, colours));
    return EXIT.ok;
  } finally {
    close();
  }
}

/** An event for people: the fields that have a value, then the payload. */
export function eventText(event: AuditEvent, colours: Palette): string {
  const { event_data: _, ...envelope } = JSON.parse(eventJson(event)) as Record<string, unknown>;
  const names = Object.keys(envelope);
  const longest = Math.max(...names.map((name) => name.length));
  const lines = names.map(
    (name) => `${colours.dim(name.padEnd(longest))}  ${printable(valueText(name, envelope[name]))}`,
  );
  const payload = JSON.stringify(payloadOf(event), undefined, 2).split("\n").map(printableLine);
  return `${[...lines, colours.dim("event_data"), ...payload].join("\n")}\n`;
}

/** What the names of values begin with, of fields that hold one of a few. */
const ENUM_PREFIXES: Readonly<Record<string, string>> = { event_outcome: "EVENT_OUTCOME_", log_state: "LOG_STATE_" };

function valueText(name: string, value: unknown): string {
  const text = String(value);
  const prefix = ENUM_PREFIXES[name];
  return prefix === undefined ? text : text.replace(prefix, "").toLowerCase();
}

/** As printable, with the indentation of JSON kept. */
function printableLine(line: string): string {
  const text = line.trimStart();
  return line.slice(0, line.length - text.length) + printable(text);
}
