import type { EventOutcome } from "../../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import type { ServiceLimits } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import type { Command, Given, Invocation } from "../command.ts";
import { type Connection, connect, connectionFlags, urlOf } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { describeFailure } from "../failure.ts";
import { outputFlags } from "../output_flags.ts";
import { count } from "../text.ts";
import { durationOf, numberOf } from "../values.ts";
import { gatherBatches } from "./batches.ts";
import { outcomeOf } from "./field_value.ts";
import { type Input, lookAtInputs, readEvents } from "./inputs.ts";
import { type Progress, showProgress } from "./progress.ts";
import { sendBatches } from "./sender.ts";
import { type Ending, summaryText } from "./summary.ts";
import { Tally } from "./tally.ts";

const DEFAULT_RETRY_FOR_MS = 60_000;
const DEFAULT_PROBLEMS = 20;
/** Larger messages bring nothing, and cost memory on both sides. */
const BATCH_BYTES = 1024 * 1024;
/** For a service that does not tell its limits. */
const BATCH_EVENTS = 1000;
const WINDOW = { batches: 16, bytes: 16 * 1024 * 1024 };
/** How long events of a slow pipe wait for company. */
const LINGER_MS = 200;
/** Room for what a message holds besides its events. */
const MESSAGE_BYTES = 256;

export const record: Command = {
  name: "record",
  summary: "Records the events of files: one JSON object a line, `-` for standard input.",
  positionals: "FILE…",
  notes: [
    "A line is an event with the names of the envelope (event_type, event_timestamp, event_outcome, correlation_id, " +
      "event_data …), in snake_case or as ProtoJSON writes them (eventType). event_data is an object and is sent as it " +
      "stands, number by number; in its place a typed payload (gateway, orchestrator, ai_analysis, workflow_execution) may " +
      "stand. Fields that only the service sets, such as event_hash, are passed over, so that what `list --json` prints can " +
      "be recorded elsewhere.",
    "Recording the same files again is safe: stored events are found to be duplicates. An event without an event_id gets " +
      "one that follows from its line (a UUID of version 5), so that this holds for it as well; lines that say the same are " +
      "then one event.",
    "What is not stored is named with file and line, and the command ends with 3.",
  ],
  flags: {
    "default-outcome": { value: "OUTCOME", help: "success, failure or pending for events that do not say theirs" },
    "ignore-unknown": { help: "leave out members that are no field of an event, instead of refusing the event" },
    "require-recorded": { help: "wait for PostgreSQL rather than have events queued while it is away" },
    "max-problems": { value: "N", help: `problems to show; all are counted (default ${DEFAULT_PROBLEMS})` },
    "retry-for": { value: "DURATION", help: "how long to go on while the service takes nothing (default 60s)" },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runRecord,
};

interface Settings {
  readonly defaultOutcome: EventOutcome | undefined;
  readonly ignoreUnknown: boolean;
  readonly requireRecorded: boolean;
  readonly maxProblems: number;
  readonly retryForMs: number;
}

function readSettings(given: Given): Settings {
  const outcome = given.text("default-outcome");
  const defaultOutcome = outcome === undefined ? undefined : outcomeOf(outcome);
  if (outcome !== undefined && defaultOutcome === undefined) {
    throw new UsageError(`--default-outcome must be success, failure or pending, and not ${JSON.stringify(outcome)}`);
  }
  return {
    defaultOutcome,
    ignoreUnknown: given.has("ignore-unknown"),
    requireRecorded: given.has("require-recorded"),
    maxProblems: numberOf(given, "max-problems", 0, 100_000) ?? DEFAULT_PROBLEMS,
    retryForMs: durationOf(given, "retry-for") ?? DEFAULT_RETRY_FOR_MS,
  };
}

async function runRecord(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const settings = readSettings(given);
  const inputs = await lookAtInputs(given.positionals);
  const connection = connect(invocation);
  const tally = new Tally(settings.maxProblems);
  const begun = performance.now();
  try {
    const { timeoutMs } = connection.target;
    const { limits } = await connection.client.getServiceInfo({}, { timeoutMs, signal: terminal.signal });
    const progress = showProgress(terminal, tally, totalBytes(inputs));
    let complete = false;
    try {
      await sendInputs(invocation, connection, inputs, limits, { ...settings, tally, progress });
      complete = !terminal.signal.aborted;
    } finally {
      progress.stop();
      await printSummary(invocation, tally, { seconds: (performance.now() - begun) / 1000, complete });
    }
  } finally {
    connection.close();
  }
  return tally.refused > 0 ? EXIT.refused : EXIT.ok;
}

interface Run extends Settings {
  readonly tally: Tally;
  readonly progress: Progress;
}

async function sendInputs(
  { terminal }: Invocation,
  { client, target }: Connection,
  inputs: readonly Input[],
  limits: ServiceLimits | undefined,
  { tally, progress, ...settings }: Run,
): Promise<void> {
  const messageBytes = Number(limits?.maxBatchBytes ?? BATCH_BYTES) - MESSAGE_BYTES;
  const events = readEvents(inputs, {
    ...settings,
    stdin: terminal.stdin,
    maxEventBytes: messageBytes,
    tally,
    onBytes: (bytes) => progress.readBytes(bytes),
  });
  const batches = gatherBatches(
    events,
    { events: limits?.maxBatchEvents || BATCH_EVENTS, bytes: Math.min(messageBytes, BATCH_BYTES) },
    LINGER_MS,
  );
  await sendBatches(batches, {
    ...settings,
    open: (requests, options) => client.ingestEvents(requests, options),
    window: WINDOW,
    answerTimeoutMs: target.timeoutMs,
    signal: terminal.signal,
    onAnswer: (batch, answer, settled) => settled && tally.addAnswer(batch, answer),
    onRetry: (unanswered, reason) => {
      tally.addRetry(unanswered);
      const { text } = describeFailure(reason, urlOf(target));
      progress.say(`Sending ${count(unanswered.length, "batch", "batches")} again: ${text}`);
    },
  });
}

async function printSummary({ given, terminal }: Invocation, tally: Tally, ending: Ending): Promise<void> {
  const { seconds, complete } = ending;
  const text = given.has("json") ? `${JSON.stringify(tally.toJson(seconds, complete))}\n` : summaryText(tally, ending);
  await terminal.stdout.write(text);
}

function totalBytes(inputs: readonly Input[]): number | undefined {
  return inputs.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    0,
  );
}
