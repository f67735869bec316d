import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import type { GetReceiptResponse } from "../../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { onlyPositional } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { type Connection, connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

export const receipt: Command = {
  name: "receipt",
  summary: "Writes a proof that an event stands in the log, for keeping: it can be checked without the service.",
  positionals: "EVENT_ID",
  flags: {
    output: { short: "o", value: "FILE", help: "write it to this file, and not to standard output" },
    ...connectionFlags,
  },
  notes: [
    "A receipt is a C2SP tlog-proof; files of it end in .tlog-proof. An event that has just been recorded is waited for, up to 10 s.",
  ],
  run: runReceipt,
};

/** How long an event may take to be covered by a checkpoint, and how often that is looked at, in milliseconds. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250;

async function runReceipt(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const eventId = onlyPositional(given, "EVENT_ID");
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(eventId)) {
    throw new UsageError(`EVENT_ID must be a UUID, and not ${JSON.stringify(eventId)}`);
  }
  const connection = connect(invocation);
  try {
    const answer = await untilCovered(connection, eventId, terminal);
    const file = given.text("output");
    if (file === undefined) await terminal.stdout.write(answer.receipt);
    else await keep(file, answer, eventId, terminal);
    return EXIT.ok;
  } finally {
    connection.close();
  }
}

async function untilCovered(
  { integrity, target }: Connection,
  eventId: string,
  { signal, stderr }: Terminal,
): Promise<GetReceiptResponse> {
  const patience = performance.now() + PATIENCE_MS;
  for (let told = false; ; told = true) {
    try {
      return await integrity.getReceipt({ eventId }, { timeoutMs: target.timeoutMs, signal });
    } catch (error) {
      if (!isTooEarly(error) || performance.now() >= patience) throw error;
    }
    if (!told) await stderr.write(`no checkpoint covers ${eventId} yet; waiting up to ${PATIENCE_MS / 1000} s\n`);
    await delay(PAUSE_MS, undefined, { signal });
  }
}

/** Whether the next checkpoint may change the answer. */
function isTooEarly(error: unknown): boolean {
  if (!(error instanceof ConnectError) || error.code !== Code.FailedPrecondition) return false;
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason;
  return reason === "NOT_COVERED" || reason === "NO_CHECKPOINT";
}

async function keep(file: string, answer: GetReceiptResponse, eventId: string, terminal: Terminal): Promise<void> {
  try {
    await writeFile(file, answer.receipt);
  } catch (cause) {
    throw new StartFailure(`--output ${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  const { logIndex, treeSize } = answer;
  await terminal.stderr.write(
    `${file}: ${eventId} stands at place ${logIndex} of the log, in the tree of ${treeSize} entries\n`,
  );
}
