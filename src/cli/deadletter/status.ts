import { toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { StoreState } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import {
  BreakerState,
  type GetQueueStatusResponse,
  GetQueueStatusResponseSchema,
  type QueueStreamStatus,
} from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { Palette } from "../colour.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { durationText } from "../duration_text.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { storeText } from "../store_text.ts";
import { count, pad, printable } from "../text.ts";
import { streamName } from "./letters.ts";

export const status: Command = {
  name: "deadletter status",
  summary: "Tells what waits in the queue and why: both stores, the streams, who drains them, and the dead letters.",
  positionals: "",
  flags: { ...connectionFlags, ...outputFlags },
  run: runStatus,
};

async function runStatus(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const colours = outputColours(invocation);
  const { deadLetters, target, close } = connect(invocation);
  try {
    const answer = await deadLetters.getQueueStatus({}, { timeoutMs: target.timeoutMs, signal: terminal.signal });
    const text = given.has("json")
      ? JSON.stringify(toJson(GetQueueStatusResponseSchema, answer, { useProtoFieldName: true }))
      : statusText(answer, colours);
    await terminal.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}

const BREAKER_STATES: Readonly<Record<BreakerState, string>> = {
  [BreakerState.UNSPECIFIED]: "no consumer here",
  [BreakerState.CLOSED]: "closed",
  [BreakerState.OPEN]: "open: waits for the database",
  [BreakerState.HALF_OPEN]: "half open: tries whether the database is back",
};

/** The state of the queue for people. */
export function statusText(answer: GetQueueStatusResponse, colours: Palette): string {
  const { queue, database, breaker, waitingEntries, drainingConsumer, streams } = answer;
  const here = answer.drainingHere ? " (the process that answered)" : "";
  const facts: [string, string][] = [
    ["Queue", storeText(queue, colours)],
    ["Database", storeText(database, colours)],
  ];
  if (queue?.state !== StoreState.NOT_CONFIGURED) {
    const paint = breaker === BreakerState.CLOSED ? colours.green : colours.yellow;
    facts.push(["Breaker", paint(BREAKER_STATES[breaker] ?? "unknown")]);
    facts.push(["Drained by", drainingConsumer === "" ? "nobody" : printable(drainingConsumer) + here]);
  }
  if (waitingEntries > 0) facts.push(["Held back", `${count(waitingEntries, "entry", "entries")} until the next try`]);
  const bytes = Number(answer.bytesLimit);
  const lines = facts.map(([name, text]) => `${pad(name, NAME_COLUMNS)}${text}`);
  return [...lines, ...streams.flatMap((stream) => streamLines(stream, bytes, colours))].join("\n");
}

const NAME_COLUMNS = 15;

function streamLines(stream: QueueStreamStatus, bytesLimit: number, colours: Palette): string[] {
  const [depth, limit] = [Number(stream.depth), Number(stream.depthLimit)];
  const age =
    stream.oldestAge === undefined ? "" : `; the oldest waits for ${durationText(durationMs(stream.oldestAge))}`;
  const lines = [
    "",
    colours.bold(streamName(stream.stream)),
    `  waiting      ${bar(depth, limit, colours)} ${figures(depth, limit)} entries, ${bytesText(Number(stream.bytes))} of ${bytesText(bytesLimit)}${age}`,
  ];
  for (const { name, pending, idle } of stream.consumers) {
    const since = idle === undefined ? "" : `, idle for ${durationText(durationMs(idle))}`;
    lines.push(`  taken by     ${printable(name)}: ${count(Number(pending), "entry", "entries")}${since}`);
  }
  const dead = stream.deadLetters;
  if (dead !== undefined) {
    const [letters, most] = [Number(dead.count), Number(dead.countLimit)];
    const full = dead.full
      ? colours.red("; full: this stream is not drained until some are replayed or discarded")
      : "";
    const held = `${bytesText(Number(dead.bytes))} of ${bytesText(Number(dead.bytesLimit))}`;
    lines.push(`  dead letters ${bar(letters, most, colours)} ${figures(letters, most)}, ${held}${full}`);
  }
  return lines;
}

function figures(amount: number, limit: number): string {
  return `${amount.toLocaleString("en-US")} of ${limit.toLocaleString("en-US")}`;
}

const BAR_COLUMNS = 20;
/** The parts of a limit from which the service warns, and calls it critical. */
const WARNING = 0.8;
const CRITICAL = 0.9;

/** How full it is; whatever is there at all shows. */
function bar(amount: number, limit: number, colours: Palette): string {
  const part = limit > 0 ? Math.min(1, amount / limit) : 0;
  const filled = part >= 1 ? BAR_COLUMNS : Math.min(BAR_COLUMNS - 1, Math.ceil(part * BAR_COLUMNS));
  const paint = part >= CRITICAL ? colours.red : part >= WARNING ? colours.yellow : colours.green;
  return paint("█".repeat(filled)) + colours.dim("░".repeat(BAR_COLUMNS - filled));
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** An amount of bytes in its largest unit: `512 bytes`, `1.5 MiB`. */
function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${Number(amount.toFixed(power > 0 && amount < 100 ? 1 : 0)).toLocaleString("en-US")} ${UNITS[power]}`;
}
