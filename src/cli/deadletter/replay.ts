import { toJson } from "@bufbuild/protobuf";
import {
  ReplayOutcome,
  type ReplayResult,
  ReplayResultSchema,
} from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import type { Command, Invocation } from "../command.ts";
import { connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";
import { actOn, type LetterResult } from "./act.ts";
import { readChoice } from "./chosen.ts";
import { letterFilterFlags, readLetterFilter } from "./letters.ts";

export const replay: Command = {
  name: "deadletter replay",
  summary: "Tries to store dead letters again, as they are; those that are stored are no dead letters any more.",
  positionals: "ID…",
  notes: [
    "Do this when the cause is gone. An event goes to the end of the chain of its remediation. What still cannot be stored " +
      "stays, and the exit code is 3.",
  ],
  flags: {
    all: { help: "all letters, or all that the flags below name" },
    ...letterFilterFlags,
    ...connectionFlags,
    ...outputFlags,
  },
  run: runReplay,
};

async function runReplay(invocation: Invocation): Promise<ExitCode> {
  const { given } = invocation;
  const choice = readChoice(given, Object.keys(letterFilterFlags), () => readLetterFilter(given));
  return actOn(choice, invocation, async (client, ids, bounds) => {
    const { results } = await client.replayDeadLetters({ ids }, bounds);
    return results.map(letterResult);
  });
}

const OUTCOMES: Readonly<Record<ReplayOutcome, readonly [word: string, exit: ExitCode]>> = {
  [ReplayOutcome.UNSPECIFIED]: ["unknown", EXIT.refused],
  [ReplayOutcome.RECORDED]: ["recorded", EXIT.ok],
  [ReplayOutcome.DUPLICATE]: ["duplicate", EXIT.ok],
  [ReplayOutcome.REJECTED]: ["rejected", EXIT.refused],
  [ReplayOutcome.CONFLICT]: ["conflict", EXIT.refused],
  [ReplayOutcome.NOT_FOUND]: ["not found", EXIT.notFound],
};

function letterResult(result: ReplayResult): LetterResult {
  const [outcome, exit] = OUTCOMES[result.outcome] ?? OUTCOMES[ReplayOutcome.UNSPECIFIED];
  const against = result.violations.map(({ field, description }) =>
    printable(field === "" ? description : `${field}: ${description}`),
  );
  const told = against.length === 0 ? "" : `: ${against.join("; ")}`;
  return {
    outcome,
    exit,
    problem: exit === EXIT.ok ? "" : `${result.id}: ${outcome}${told}`,
    json: JSON.stringify(toJson(ReplayResultSchema, result, { useProtoFieldName: true })),
  };
}
