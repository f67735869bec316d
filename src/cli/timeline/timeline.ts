import { create } from "@bufbuild/protobuf";
import { EventFilterSchema } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { onlyPositional } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { type Connection, connect, connectionFlags } from "../connection.ts";
import { listEvents } from "../events.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { count } from "../text.ts";
import { numberOf } from "../values.ts";
import { courseOf } from "./course.ts";
import { courseJson } from "./course_json.ts";
import { renderCourse } from "./render.ts";
import { type Step, toStep } from "./step.ts";

const DEFAULT_LIMIT = 10_000;
/** Where lines may be of any length. */
const DEFAULT_COLUMNS = 120;

export const timeline: Command = {
  name: "timeline",
  summary: "Shows the course of one remediation: its phases, who did what, how long it took, what failed.",
  positionals: "CORRELATION_ID",
  notes: [
    "Steps stand in the order of event_timestamp, and in the order of arrival where that is the same; phases in the order in " +
      "which each follows from the one before. Many events of one kind are shown as one line with their number (×12).",
    "Marks: ✓ success, ✗ failure, … pending.",
  ],
  flags: {
    expand: { help: "show every event on a line of its own" },
    limit: { value: "N", help: `events to read at most (default ${DEFAULT_LIMIT})` },
    ...connectionFlags,
    ...outputFlags,
  },
  run: runTimeline,
};

async function runTimeline(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const correlationId = onlyPositional(given, "CORRELATION_ID");
  const limit = numberOf(given, "limit", 1, 1_000_000) ?? DEFAULT_LIMIT;
  const colours = outputColours(invocation);
  const connection = connect(invocation);
  try {
    const { steps, more } = await readSteps(connection, correlationId, limit, terminal.signal);
    if (steps.length === 0) {
      await terminal.stderr.write(`datastorage: there are no events of ${JSON.stringify(correlationId)}\n`);
      return EXIT.notFound;
    }
    const course = courseOf(correlationId, steps, { expand: given.has("expand") });
    const columns = terminal.stdout.columns ?? DEFAULT_COLUMNS;
    const text = given.has("json")
      ? `${JSON.stringify(courseJson(course))}\n`
      : renderCourse(course, { columns, colours });
    await terminal.stdout.write(text);
    if (more)
      await terminal.stderr.write(`Only the first ${count(steps.length, "event")} were read: --limit N reads more.\n`);
    return EXIT.ok;
  } finally {
    connection.close();
  }
}

async function readSteps(
  { client, target }: Connection,
  correlationId: string,
  limit: number,
  signal: AbortSignal,
): Promise<{ steps: Step[]; more: boolean }> {
  const filter = create(EventFilterSchema, { correlationId });
  const query = { filter, orderBy: "chain_position", limit, timeoutMs: target.timeoutMs, signal };
  const steps: Step[] = [];
  let rest = false;
  for await (const { events, more } of listEvents(client, query)) {
    // Payloads can be large, and are not needed any more once they have been looked at.
    for (const event of events) steps.push(toStep(event));
    rest = more;
  }
  return { steps, more: rest };
}
