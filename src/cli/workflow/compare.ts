import { toJson } from "@bufbuild/protobuf";
import { type WorkflowChange, WorkflowChangeSchema } from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import type { Palette } from "../colour.ts";
import type { Command, Given, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";

export const compare: Command = {
  name: "workflow compare",
  summary:
    "Tells what differs between two versions of a workflow: each path with what stood there and what stands there now.",
  positionals: "NAME FROM TO",
  notes: ["With --json one object a line for each difference. Values are cut to 1,000 characters."],
  flags: { ...connectionFlags, ...outputFlags },
  run: runCompare,
};

async function runCompare(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const request = readVersions(given);
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  try {
    const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
    const { changes, truncated } = await catalog.compareWorkflowVersions(request, bounds);
    const json = given.has("json");
    const lines = changes.map((change) => (json ? changeJson(change) : changeText(change, colours)));
    await terminal.stdout.write(lines.map((line) => `${line}\n`).join(""));
    if (!json && changes.length === 0) await terminal.stderr.write("nothing differs\n");
    if (truncated) await terminal.stderr.write(`There are more than these ${changes.length} differences.\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}

function readVersions({ positionals }: Given): { workflowName: string; fromVersion: string; toVersion: string } {
  const [workflowName, fromVersion, toVersion, more] = positionals;
  if (!workflowName || !fromVersion || !toVersion || more !== undefined)
    throw new UsageError("NAME FROM TO must be given: the workflow and two of its versions");
  return { workflowName, fromVersion, toVersion };
}

function changeJson(change: WorkflowChange): string {
  return JSON.stringify(toJson(WorkflowChangeSchema, change, { useProtoFieldName: true }));
}

/** A difference for people: the path, then the old value and the new one where there is one. */
export function changeText({ path, fromJson, toJson }: WorkflowChange, colours: Palette): string {
  const lines = [colours.bold(printable(path))];
  if (fromJson !== "") lines.push(colours.red(`  - ${printable(fromJson)}`));
  if (toJson !== "") lines.push(colours.green(`  + ${printable(toJson)}`));
  return lines.join("\n");
}
