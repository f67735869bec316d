import { toJson } from "@bufbuild/protobuf";
import {
  type AvailableAction,
  AvailableActionSchema,
  type DiscoveryContext,
  ExcludedWorkflowSchema,
  type MatchingWorkflow,
  MatchingWorkflowSchema,
} from "../../../gen/ts/kubernaut/catalog/v1/discovery_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { CallBounds, CatalogClient } from "../catalog/client.ts";
import { limitFlags, type Page, pagesOf, printPages, readLimit } from "../catalog/pages.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import type { Column } from "../table.ts";
import { contextFlags, readContext } from "./context.ts";
import { type Excluded, excludedText, explainedText } from "./explain.ts";

export const match: Command = {
  name: "workflow match",
  summary:
    "Tells what discovery finds for an incident: the action types that have a workflow for it, and with --action-type the " +
    "workflows, the best first.",
  positionals: "",
  notes: [
    "What is not given filters nothing. Names of custom labels tell capitals from small letters, values do not. Like every " +
      "discovery, each page that is asked for leaves an event in the audit trail.",
    "--explain tells the score of each workflow and what each label gave to it, and which workflows were left out by which " +
      'label. With --json one object a line; a workflow that was left out is {"excluded": …}.',
  ],
  flags: {
    ...contextFlags,
    "action-type": { value: "TYPE", help: "the workflows of this action type" },
    explain: { help: "with --action-type: tell why this order, and why not others" },
    ...limitFlags("lines"),
    ...connectionFlags,
    ...outputFlags,
  },
  run: runMatch,
};

const ACTION_COLUMNS: readonly Column<AvailableAction>[] = [
  { heading: "ACTION TYPE", value: ({ actionType }) => actionType, worth: 9 },
  { heading: "WORKFLOWS", value: ({ workflowCount }) => workflowCount.toLocaleString("en-US"), worth: 8 },
  { heading: "WHAT", value: ({ description }) => description?.what ?? "", least: 20, worth: 7 },
];

/** A workflow with its place in the order, from 1. */
interface Ranked {
  readonly rank: number;
  readonly match: MatchingWorkflow;
}

const WORKFLOW_COLUMNS: readonly Column<Ranked>[] = [
  { heading: "RANK", value: ({ rank }) => String(rank), worth: 9 },
  { heading: "WORKFLOW", value: ({ match: { workflow } }) => workflow?.workflowName ?? "", least: 20, worth: 9 },
  { heading: "VERSION", value: ({ match: { workflow } }) => workflow?.version ?? "", least: 8, worth: 8 },
  { heading: "WHAT", value: ({ match: { workflow } }) => workflow?.description?.what ?? "", least: 20, worth: 7 },
  { heading: "WORKFLOW ID", value: ({ match: { workflow } }) => workflow?.workflowId ?? "", worth: 5 },
];

async function runMatch(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const context = readContext(given);
  const actionType = given.text("action-type");
  if (actionType === undefined && given.has("explain")) throw new UsageError("--explain goes with --action-type");
  const limit = readLimit(given);
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    if (actionType === undefined) {
      const look = { columns: ACTION_COLUMNS, json: actionJson, noun: "action types", colours };
      await printPages(actionPages(catalog, context, limit, bounds), invocation, look);
    } else {
      const explain = given.has("explain");
      const excluded: Excluded = { count: 0, workflows: [] };
      const pages = workflowPages(catalog, { actionType, context, explain }, limit, bounds, excluded);
      if (explain) await printExplained(pages, excluded, invocation);
      else
        await printPages(pages, invocation, {
          columns: WORKFLOW_COLUMNS,
          json: rankedJson,
          noun: "workflows",
          colours,
        });
    }
    return EXIT.ok;
  } finally {
    close();
  }
}

function actionPages(
  catalog: CatalogClient,
  context: DiscoveryContext,
  limit: number,
  bounds: CallBounds,
): AsyncIterable<Page<AvailableAction>> {
  return pagesOf(async (page) => {
    const { actionTypes, nextPageToken } = await catalog.listAvailableActions({ context, ...page }, bounds);
    return { items: actionTypes, nextPageToken };
  }, limit);
}

/** The matching workflows with their ranks. Those that were left out come with the first page and are put into `excluded`. */
function workflowPages(
  catalog: CatalogClient,
  query: { readonly actionType: string; readonly context: DiscoveryContext; readonly explain: boolean },
  limit: number,
  bounds: CallBounds,
  excluded: Excluded,
): AsyncIterable<Page<Ranked>> {
  let rank = 0;
  return pagesOf(async (page) => {
    const answer = await catalog.listMatchingWorkflows({ ...query, ...page }, bounds);
    if (page.pageToken === "") {
      excluded.count = answer.excludedCount;
      excluded.workflows = answer.excluded;
    }
    const items = answer.workflows.map((match) => {
      rank += 1;
      return { rank, match };
    });
    return { items, nextPageToken: answer.nextPageToken };
  }, limit);
}

async function printExplained(
  pages: AsyncIterable<Page<Ranked>>,
  excluded: Excluded,
  invocation: Invocation,
): Promise<void> {
  const { given, terminal } = invocation;
  const { stdout, stderr } = terminal;
  const colours = outputColours(invocation);
  const json = given.has("json");
  let told = 0;
  let rest = false;
  for await (const { items, more } of pages) {
    const lines = items.map((item) =>
      json ? rankedJson(item) : explainedText(item.rank, item.match, stdout.columns, colours),
    );
    await stdout.write(lines.map((line) => `${line}\n`).join(""));
    told += items.length;
    rest = more;
  }
  if (json) {
    await stdout.write(excluded.workflows.map((one) => `${excludedJson(one)}\n`).join(""));
    return;
  }
  await stdout.write(excludedText(excluded, colours));
  if (told === 0) await stderr.write("no workflows match\n");
  if (rest) await stderr.write("There may be more: --limit N or --all shows them.\n");
}

function actionJson(action: AvailableAction): string {
  return JSON.stringify(toJson(AvailableActionSchema, action, { useProtoFieldName: true }));
}

function rankedJson({ rank, match }: Ranked): string {
  return JSON.stringify({ rank, ...(toJson(MatchingWorkflowSchema, match, { useProtoFieldName: true }) as object) });
}

function excludedJson(workflow: Excluded["workflows"][number]): string {
  return JSON.stringify({ excluded: toJson(ExcludedWorkflowSchema, workflow, { useProtoFieldName: true }) });
}
