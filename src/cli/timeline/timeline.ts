import { writeFile } from "node:fs/promises";
import { toJson } from "@bufbuild/protobuf";
import { TimelineSchema } from "../../../gen/ts/kubernaut/reconstruction/v1/timeline_pb.ts";
import { onlyPositional } from "../arguments.ts";
import { asOf, asOfFlag } from "../as_of.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { timelinePage } from "./page/page.ts";
import { renderTimeline } from "./render.ts";

/** Where lines may be of any length. */
const DEFAULT_COLUMNS = 120;

export const timeline: Command = {
  name: "timeline",
  summary: "Shows the course of one remediation: its phases, who decided what, how long it took, what failed.",
  positionals: "CORRELATION_ID",
  notes: [
    "Steps stand in the order of event_timestamp, and in the order of arrival where that is the same; phases in the order in " +
      "which each follows from the one before. Many events of one kind are shown as one line with their number (×12).",
    "Marks: ✓ success, ✗ failure, … pending, ◆ a decision, ┆ a stretch without events that is long for this remediation.",
    "--html writes one page that needs nothing else: the course drawn to scale, then its steps as a table. It can be read in any " +
      "browser, printed, and attached to a post-mortem.",
  ],
  flags: {
    expand: { help: "show every event on a line of its own" },
    ...asOfFlag,
    html: { value: "FILE", help: "write a page to this file instead; - is standard output" },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runTimeline,
};

async function runTimeline(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const correlationId = onlyPositional(given, "CORRELATION_ID");
  const moment = asOf(given, new Date());
  if (given.has("html") && given.has("json")) throw new UsageError("--html and --json are two forms: give one of them");
  const colours = outputColours(invocation);
  const { reconstruction, target, close } = connect(invocation);
  try {
    const request = { correlationId, expand: given.has("expand"), ...(moment && { asOf: moment }) };
    const call = { timeoutMs: target.timeoutMs, signal: terminal.signal };
    const { timeline: told } = await reconstruction.getTimeline(request, call);
    if (told === undefined) throw new StartFailure("the service answered without a timeline");
    const file = given.text("html");
    if (file !== undefined && file !== "-")
      return await writePage(file, timelinePage(told, given.text("as-of")), invocation);
    const columns = terminal.stdout.columns ?? DEFAULT_COLUMNS;
    await terminal.stdout.write(
      file === "-"
        ? timelinePage(told, given.text("as-of"))
        : given.has("json")
          ? `${JSON.stringify(toJson(TimelineSchema, told, { useProtoFieldName: true }))}\n`
          : renderTimeline(told, { columns, colours }),
    );
    return EXIT.ok;
  } finally {
    close();
  }
}

async function writePage(file: string, page: string, { terminal }: Invocation): Promise<ExitCode> {
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw new StartFailure(`--html ${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  await terminal.stderr.write(`Wrote ${file}\n`);
  return EXIT.ok;
}
