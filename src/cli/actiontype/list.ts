import { type ActionType, ActionTypeStatus } from "../../../gen/ts/kubernaut/catalog/v1/action_type_pb.ts";
import { noPositionals } from "../arguments.ts";
import { limitFlags, pagesOf, printPages, readLimit } from "../catalog/pages.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { secondText } from "../deadletter/letters.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import type { Column } from "../table.ts";
import { wordOf } from "../values.ts";
import { ACTION_TYPE_STATUSES, actionTypeJson, statusName } from "./action_types.ts";

export const list: Command = {
  name: "actiontype list",
  summary: "Lists action types by name: a table for people, one JSON object a line with --json.",
  positionals: "",
  flags: {
    status: { value: "STATUS", help: "only active or only disabled ones" },
    ...limitFlags("action types"),
    ...connectionFlags,
    ...outputFlags,
  },
  run: runList,
};

const COLUMNS: readonly Column<ActionType>[] = [
  { heading: "ACTION TYPE", value: ({ actionType }) => actionType, worth: 9 },
  {
    heading: "STATUS",
    value: ({ status }) => statusName(status),
    worth: 8,
    colour: ({ status }, { green, dim }) => (status === ActionTypeStatus.ACTIVE ? green : dim),
  },
  { heading: "UPDATED (UTC)", value: ({ updatedAt }) => secondText(updatedAt), worth: 3 },
  { heading: "DISABLED BY", value: ({ disabledBy }) => disabledBy, least: 11, worth: 2 },
  { heading: "WHAT", value: ({ description }) => description?.what ?? "", least: 20, worth: 7 },
];

async function runList(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const limit = readLimit(given);
  const word = wordOf(given, "status", ["active", "disabled"]);
  const status = word === undefined ? ActionTypeStatus.UNSPECIFIED : ACTION_TYPE_STATUSES[word];
  const colours = outputColours(invocation);
  const { catalog, target, close } = connect(invocation);
  const bounds = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    const pages = pagesOf(async (page) => {
      const { actionTypes, nextPageToken } = await catalog.listActionTypes({ status, ...page }, bounds);
      return { items: actionTypes, nextPageToken };
    }, limit);
    await printPages(pages, invocation, { columns: COLUMNS, json: actionTypeJson, noun: "action types", colours });
    return EXIT.ok;
  } finally {
    close();
  }
}
