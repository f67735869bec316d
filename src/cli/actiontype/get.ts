import type { ActionType } from "../../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import { onlyPositional } from "../arguments.ts";
import { descriptionFacts, doneText, factLines } from "../catalog/facts.ts";
import type { Palette } from "../colour.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { actionTypeJson, statusName } from "./action_types.ts";

export const get: Command = {
  name: "actiontype get",
  summary: "Prints one action type, and how many active workflows it has.",
  positionals: "NAME",
  flags: { ...connectionFlags, ...outputFlags },
  run: runGet,
};

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const name = onlyPositional(given, "NAME");
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const { actionType } = await catalog.getActionType({ actionType: name }, bounds);
    if (actionType === undefined) return EXIT.ok;
    if (given.has("json")) {
      await terminal.stdout.write(`${actionTypeJson(actionType)}\n`);
      return EXIT.ok;
    }
    const { count } = await catalog.countActiveWorkflows({ actionType: name }, bounds);
    await terminal.stdout.write(actionTypeText(actionType, count, terminal.stdout.columns, colours));
    return EXIT.ok;
  } finally {
    close();
  }
}

/** An action type for people. */
export function actionTypeText(
  actionType: ActionType,
  activeWorkflows: number,
  columns: number | undefined,
  colours: Palette,
): string {
  const { status, disabledAt, disabledBy, createdAt, updatedAt, etag } = actionType;
  const since = disabledAt === undefined ? "" : ` since ${doneText(disabledAt, disabledBy)}`;
  const lines = factLines(
    [
      ["Action type", actionType.actionType],
      ["Status", statusName(status) + since],
      ["Active workflows", activeWorkflows.toLocaleString("en-US")],
      ...descriptionFacts(actionType.description),
      ["Registered", doneText(createdAt)],
      ["Updated", doneText(updatedAt)],
      ["Etag", etag],
    ],
    columns,
    colours,
  );
  return `${lines.join("\n")}\n`;
}
