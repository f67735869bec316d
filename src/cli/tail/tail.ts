import type { AuditEvent } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { LogRange, TailEventsResponse } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags, urlOf } from "../connection.ts";
import { eventJson } from "../events.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { describeFailure } from "../failure.ts";
import { filterFlags, readFilter } from "../list/filter.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { numberOf } from "../values.ts";
import { follow } from "./follow.ts";
import { TailTable } from "./table.ts";

export const tail: Command = {
  name: "tail",
  summary: "Follows events in the order of the log: those that are there, and then each as it is recorded.",
  positionals: "",
  notes: [
    "Nothing is left out and nothing comes twice: where the connection breaks, it goes on behind the last event by itself. At the " +
      "end, also by Ctrl-C, it says on standard error from where to go on.",
  ],
  flags: {
    "after-log-index": { value: "N", help: "begin behind this place of the log (default: with the first event)" },
    "from-now": { help: "begin behind the events that are there" },
    "until-now": { help: "end when the events that are there are printed" },
    ...filterFlags,
    ...connectionFlags,
    ...outputFlags,
  },
  run: runTail,
};

/** The service says something every ten seconds at least. */
const LEAST_SILENCE_MS = 15_000;

async function runTail(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const after = numberOf(given, "after-log-index", 0, Number.MAX_SAFE_INTEGER);
  if (after !== undefined && given.has("from-now")) {
    throw new UsageError("--after-log-index and --from-now do not go together");
  }
  const filter = readFilter(given, new Date());
  const print = given.has("json") ? printJson(invocation) : printLines(invocation);
  const { client, target, close } = connect(invocation);
  let told: bigint | undefined;
  try {
    const messages = follow(client, {
      filter,
      afterLogIndex: after === undefined ? undefined : BigInt(after),
      fromNow: given.has("from-now"),
      untilNow: given.has("until-now"),
      silenceMs: Math.max(target.timeoutMs, LEAST_SILENCE_MS),
      signal: terminal.signal,
      async onBroken(error, place, delayMs) {
        const wait = delayMs >= 1000 ? ` in ${Math.round(delayMs / 1000)} s` : "";
        const why = describeFailure(error, urlOf(target)).text;
        await terminal.stderr.write(`${why}\nGoing on behind log index ${place}${wait}.\n`);
      },
    });
    for await (const message of messages) {
      await print(message);
      for (const range of message.removed) await terminal.stderr.write(`${removedText(range)}\n`);
      told = message.upToLogIndex;
    }
    return EXIT.ok;
  } finally {
    close();
    if (told !== undefined) await terminal.stderr.write(resumeText(told));
  }
}

type Print = (message: TailEventsResponse) => Promise<void>;

function printJson({ terminal }: Invocation): Print {
  return async ({ events }) => {
    if (events.length > 0) await terminal.stdout.write(events.map((event) => `${eventJson(event)}\n`).join(""));
  };
}

function printLines(invocation: Invocation): Print {
  const { stdout } = invocation.terminal;
  const colours = outputColours(invocation);
  let table: TailTable | undefined;
  return async ({ events }) => {
    if (events.length === 0) return;
    const lines: string[] = [];
    if (table === undefined) {
      table = new TailTable(events, stdout.columns, colours);
      lines.push(table.heading());
    }
    const row = (event: AuditEvent) => (table as TailTable).row(event);
    await stdout.write(`${[...lines, ...events.map(row)].join("\n")}\n`);
  };
}

function removedText({ firstLogIndex: first, lastLogIndex: last }: LogRange): string {
  return first === last
    ? `The event of log index ${first} is no longer stored.`
    : `The events of log indexes ${first} to ${last} are no longer stored.`;
}

function resumeText(upTo: bigint): string {
  return upTo < 0n ? "The log is empty.\n" : `To go on from here: --after-log-index ${upTo}\n`;
}
