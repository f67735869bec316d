import { toJson } from "@bufbuild/protobuf";
import { DisableActionTypeResponseSchema } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import { onlyPositional } from "../arguments.ts";
import { changeFlags, changeText, readChange } from "../catalog/change.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";

export const disable: Command = {
  name: "actiontype disable",
  summary: "Disables an action type under which no workflow is active.",
  positionals: "NAME",
  notes: [
    "`actiontype apply` makes it active again. While active workflows use it, it stays as it is and the exit code is 3.",
  ],
  flags: { ...changeFlags, ...connectionFlags, ...outputFlags },
  run: runDisable,
};

async function runDisable(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const request = { actionType: onlyPositional(given, "NAME"), ...readChange(given) };
  const { catalog, target, close } = connect(invocation);
  try {
    const response = await catalog.disableActionType(request, { timeoutMs: target.timeoutMs, signal: terminal.signal });
    const text = given.has("json")
      ? JSON.stringify(toJson(DisableActionTypeResponseSchema, response, { useProtoFieldName: true }))
      : printable(changeText(`actiontype ${request.actionType}`, "disabled", response.correlationId));
    await terminal.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}
