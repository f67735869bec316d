import type { Workflow } from "../../../gen/ts/kubernaut/catalog/v1/workflow_pb.ts";
import { noPositionals } from "../arguments.ts";
import { limitFlags, pagesOf, printPages, readLimit } from "../catalog/pages.ts";
import type { Command, Given, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { secondText } from "../deadletter/letters.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import type { Column } from "../table.ts";
import { statusColour, statusName, WORKFLOW_STATUSES, workflowJson } from "./workflows.ts";

export const list: Command = {
  name: "workflow list",
  summary:
    "Lists versions of workflows, by name, the one registered last first: a table for people, one JSON object a line with --json.",
  positionals: "",
  notes: ["Every flag that is given must match. The version that is the latest of its workflow is marked with `*`."],
  flags: {
    name: { value: "NAME", help: "versions of this workflow" },
    "action-type": { value: "TYPE", help: "workflows of this action type" },
    status: {
      value: "STATUS",
      repeated: true,
      help: `in this state: ${Object.keys(WORKFLOW_STATUSES).join(", ")}; several with commas`,
    },
    latest: { help: "only the latest version of each" },
    ...limitFlags("versions"),
    ...connectionFlags,
    ...outputFlags,
  },
  run: runList,
};

const COLUMNS: readonly Column<Workflow>[] = [
  { heading: "WORKFLOW", value: ({ workflowName }) => workflowName, least: 20, worth: 9 },
  {
    heading: "VERSION",
    // The mark stands first, so that it is still there where a version is cut.
    value: ({ version, isLatestVersion }) => (isLatestVersion ? "* " : "  ") + version,
    least: 10,
    worth: 9,
  },
  { heading: "STATUS", value: ({ status }) => statusName(status), worth: 9, colour: statusColour },
  { heading: "ACTION TYPE", value: ({ actionType }) => actionType, least: 12, worth: 8 },
  { heading: "SEVERITY", value: ({ labels }) => labels?.severity.join(",") ?? "", least: 8, worth: 4 },
  { heading: "COMPONENT", value: ({ labels }) => labels?.component.join(",") ?? "", least: 9, worth: 5 },
  { heading: "ENGINE", value: ({ execution }) => execution?.engine ?? "", worth: 3 },
  { heading: "CHANGED (UTC)", value: ({ updatedAt }) => secondText(updatedAt), worth: 2 },
  { heading: "WORKFLOW ID", value: ({ workflowId }) => workflowId, worth: 1 },
];

async function runList(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const limit = readLimit(given);
  const filter = {
    workflowName: given.text("name") ?? "",
    actionType: given.text("action-type") ?? "",
    statuses: readStatuses(given),
    latestOnly: given.has("latest"),
  };
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const pages = pagesOf(async (page) => {
      const { workflows, nextPageToken } = await catalog.listWorkflows({ ...filter, ...page }, bounds);
      return { items: workflows, nextPageToken };
    }, limit);
    await printPages(pages, invocation, { columns: COLUMNS, json: workflowJson, noun: "workflows", colours });
    return EXIT.ok;
  } finally {
    close();
  }
}

function readStatuses(given: Given): (typeof WORKFLOW_STATUSES)[keyof typeof WORKFLOW_STATUSES][] {
  const names = new Set(given.texts("status").flatMap((text) => text.split(",")));
  return [...names].map((name) => {
    const known = Object.entries(WORKFLOW_STATUSES).find(([word]) => word === name.trim());
    if (known !== undefined) return known[1];
    const words = Object.keys(WORKFLOW_STATUSES).join(", ");
    throw new UsageError(`--status must be one of ${words}, and not ${JSON.stringify(name)}`);
  });
}
