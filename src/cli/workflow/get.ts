import { WorkflowView } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { readChosen, versionFlags } from "./chosen.ts";
import { workflowText } from "./text.ts";
import { workflowJson } from "./workflows.ts";
import { workflowYaml } from "./yaml.ts";

export const get: Command = {
  name: "workflow get",
  summary: "Prints one version of a workflow: what it is for, what it runs and which parameters it takes.",
  positionals: "NAME|ID",
  notes: ["--yaml prints the registered object, which `workflow apply` takes."],
  flags: {
    ...versionFlags,
    yaml: { help: "print the registered object as YAML" },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runGet,
};

async function runGet(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const chosen = readChosen(given);
  if (given.has("yaml") && given.has("json")) throw new UsageError("--yaml and --json do not go together");
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const { workflow } = await catalog.getWorkflow({ ...chosen, view: WorkflowView.FULL }, bounds);
    if (workflow === undefined) return EXIT.ok;
    const { stdout } = terminal;
    if (given.has("json")) await stdout.write(`${workflowJson(workflow)}\n`);
    else if (given.has("yaml")) await stdout.write(workflowYaml(workflow, stdout.isTerminal));
    else await stdout.write(workflowText(workflow, stdout.columns, colours));
    return EXIT.ok;
  } finally {
    close();
  }
}
