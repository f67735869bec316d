import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type GetCheckpointResponse,
  GetCheckpointResponseSchema,
} from "../../../gen/ts/kubernaut/audit/v1/integrity_service_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { Palette } from "../colour.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { count, printable } from "../text.ts";

export const status: Command = {
  name: "log status",
  summary: "Tells how far the log over all events has come, what is signed of it and with which keys.",
  positionals: "",
  notes: [
    "What a service says of its own keys proves nothing: an auditor learns them another way, as from `log keygen` when the key is " +
      "made, and compares.",
  ],
  flags: { ...connectionFlags, ...outputFlags },
  run: runStatus,
};

async function runStatus(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const colours = outputColours(invocation);
  const { integrity, target, close } = connect(invocation);
  try {
    const answer = await integrity.getCheckpoint({}, { timeoutMs: target.timeoutMs, signal: terminal.signal });
    const text = given.has("json")
      ? JSON.stringify(toJson(GetCheckpointResponseSchema, answer, { useProtoFieldName: true }))
      : statusText(answer, colours);
    await terminal.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}

/** The state of the log for people. */
export function statusText(answer: GetCheckpointResponse, colours: Palette): string {
  const { origin, treeSize, rootHash, publishedTime, logSize, pendingEvents, checkpoint } = answer;
  const uncovered = logSize - treeSize;
  const behind =
    uncovered > 0n ? `; ${colours.yellow(`${count(Number(uncovered), "entry", "entries")} not covered yet`)}` : "";
  const lines = [
    `Origin     ${printable(origin)}`,
    `Size       ${count(Number(logSize), "entry", "entries")}`,
    `Covered    ${count(Number(treeSize), "entry", "entries")} by the published checkpoint${behind}`,
    `Pending    ${count(Number(pendingEvents), "event")} without a place in the log yet`,
    `Root       ${Buffer.from(rootHash).toString("base64")}`,
  ];
  if (publishedTime !== undefined) lines.push(`Published  ${timestampDate(publishedTime).toISOString()}`);
  lines.push(`Signed by  ${signersOf(checkpoint).map(printable).join(", ")}`, "", "KEYS THAT HAVE SIGNED");
  for (const { verifierKey, purpose, firstUsedTime, lastUsedTime } of answer.verifierKeys) {
    const [first, last] = [firstUsedTime, lastUsedTime].map((time) =>
      time === undefined ? "?" : timestampDate(time).toISOString().slice(0, 10),
    );
    lines.push(`  ${printable(purpose).padEnd(9)}${printable(verifierKey)}  ${colours.dim(`${first} to ${last}`)}`);
  }
  return lines.join("\n");
}

/** Names of the keys below a signed note, witnesses included. */
function signersOf(checkpoint: string): string[] {
  return [...checkpoint.matchAll(/^— (\S+) /gm)].map(([, name]) => name as string);
}
