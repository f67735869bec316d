import { toJson } from "@bufbuild/protobuf";
import {
  DiscardOutcome,
  type DiscardResult,
  DiscardResultSchema,
} from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import type { Command, Flags, Given, Invocation } from "../command.ts";
import { connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputFlags } from "../output_flags.ts";
import { actOn, type LetterResult } from "./act.ts";
import { readChoice } from "./chosen.ts";
import { letterFilterFlags, readLetterFilter } from "./letters.ts";

/** `--reason` says why the letters are discarded, so that the letters' own reason has another name here. */
const chosenFlags = {
  stream: letterFilterFlags.stream,
  "letter-reason": letterFilterFlags.reason,
  "correlation-id": letterFilterFlags["correlation-id"],
} as const satisfies Flags;

export const discard: Command = {
  name: "deadletter discard",
  summary: "Removes dead letters for good: these events will never be stored.",
  positionals: "ID…",
  notes: ["Who did it, why, and which events they were is recorded in the audit trail before anything is removed."],
  flags: {
    reason: { value: "TEXT", help: "why, for the audit trail; always needed" },
    all: { help: "all letters, or all that the flags below name" },
    ...chosenFlags,
    ...connectionFlags,
    ...outputFlags,
  },
  run: runDiscard,
};

async function runDiscard(invocation: Invocation): Promise<ExitCode> {
  const { given } = invocation;
  const choice = readChoice(given, Object.keys(chosenFlags), () => readLetterFilter(withLetterReason(given)));
  const reason = given.text("reason") ?? "";
  if (reason.trim() === "")
    throw new UsageError("--reason TEXT is missing: what is discarded is gone, and the audit trail says why");
  return actOn(choice, invocation, async (client, ids, bounds) => {
    const { results } = await client.discardDeadLetters({ ids, reason }, bounds);
    return results.map(letterResult);
  });
}

function withLetterReason(given: Given): Given {
  return { ...given, text: (name) => given.text(name === "reason" ? "letter-reason" : name) };
}

function letterResult(result: DiscardResult): LetterResult {
  const discarded = result.outcome === DiscardOutcome.DISCARDED;
  return {
    outcome: discarded ? "discarded" : "not found",
    exit: discarded ? EXIT.ok : EXIT.notFound,
    problem: discarded ? "" : `${result.id}: not found`,
    json: JSON.stringify(toJson(DiscardResultSchema, result, { useProtoFieldName: true })),
  };
}
