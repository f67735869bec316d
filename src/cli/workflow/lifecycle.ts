import { type DescMessage, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import {
  ArchiveWorkflowResponseSchema,
  DeprecateWorkflowResponseSchema,
  DisableWorkflowResponseSchema,
  EnableWorkflowResponseSchema,
} from "../../../gen/ts/kubernaut/catalog/v1/catalog_service_pb.ts";
import type { Workflow } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { changeFlags, changeText, readChange } from "../catalog/change.ts";
import type { CallBounds, CatalogClient } from "../catalog/client.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";
import { idOf, readChosen, versionFlags } from "./chosen.ts";
import { workflowTitle } from "./workflows.ts";

export const disable = lifecycleCommand({
  name: "workflow disable",
  summary: "Takes an active version out of use for now; `workflow enable` makes it active again.",
  done: "disabled",
  change: async (catalog, request, bounds) =>
    answerOf(DisableWorkflowResponseSchema, await catalog.disableWorkflow(request, bounds)),
});

export const enable = lifecycleCommand({
  name: "workflow enable",
  summary: "Makes a disabled version active and the latest again.",
  done: "enabled",
  change: async (catalog, request, bounds) =>
    answerOf(EnableWorkflowResponseSchema, await catalog.enableWorkflow(request, bounds)),
});

export const deprecate = lifecycleCommand({
  name: "workflow deprecate",
  summary: "Takes an active version out of use for good; it is kept, and may only be archived.",
  done: "deprecated",
  change: async (catalog, request, bounds) =>
    answerOf(DeprecateWorkflowResponseSchema, await catalog.deprecateWorkflow(request, bounds)),
});

export const archive = lifecycleCommand({
  name: "workflow archive",
  summary: "Archives an active, disabled or deprecated version, for good.",
  done: "archived",
  change: async (catalog, request, bounds) =>
    answerOf(ArchiveWorkflowResponseSchema, await catalog.archiveWorkflow(request, bounds)),
});

interface Lifecycle {
  readonly name: string;
  readonly summary: string;
  /** What is told of the version afterwards. */
  readonly done: string;
  readonly change: (
    catalog: CatalogClient,
    request: { readonly workflowId: string; readonly reason: string; readonly etag: string },
    bounds: CallBounds,
  ) => Promise<ChangeAnswer>;
}

interface ChangeAnswer {
  readonly workflow: Workflow | undefined;
  readonly correlationId: string;
  readonly json: JsonValue;
}

/** The answers to all four changes have the same fields. */
function answerOf<Desc extends DescMessage>(
  schema: Desc,
  answer: MessageShape<Desc> & { readonly workflow?: Workflow | undefined; readonly correlationId: string },
): ChangeAnswer {
  const { workflow, correlationId } = answer;
  return { workflow, correlationId, json: toJson(schema, answer, { useProtoFieldName: true }) };
}

function lifecycleCommand({ name, summary, done, change }: Lifecycle): Command {
  return {
    name,
    summary,
    positionals: "NAME|ID",
    flags: { ...versionFlags, ...changeFlags, ...connectionFlags, ...outputFlags },
    run: (invocation) => runChange(invocation, done, change),
  };
}

async function runChange(invocation: Invocation, done: string, change: Lifecycle["change"]): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const chosen = readChosen(given);
  const request = readChange(given);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const workflowId = await idOf(chosen, catalog, bounds);
    const { workflow, correlationId, json } = await change(catalog, { workflowId, ...request }, bounds);
    const text = given.has("json")
      ? JSON.stringify(json)
      : printable(changeText(workflowTitle(workflow), done, correlationId));
    await terminal.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}
