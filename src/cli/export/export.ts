import { ExportFormat } from "../../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { noPositionals } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { filterFlags, readFilter } from "../list/filter.ts";
import { outputFlags } from "../output_flags.ts";
import { count } from "../text.ts";
import { wordOf } from "../values.ts";
import { showProgress } from "./progress.ts";
import { type Received, receive } from "./receive.ts";
import { FileSink, OutputSink, type Sink } from "./sink.ts";

const FORMATS = {
  bundle: ExportFormat.BUNDLE,
  jsonl: ExportFormat.JSONL,
  csv: ExportFormat.CSV,
  parquet: ExportFormat.PARQUET,
} as const;

/** Bytes that a terminal can show. */
const TEXT_FORMATS: readonly string[] = ["jsonl", "csv"];

export const exportCommand: Command = {
  name: "export",
  summary: "Exports events as a bundle that proves itself, or as JSON lines, CSV or Parquet.",
  positionals: "",
  notes: [
    "Without filters: all events that were recorded before the call. A bundle is a tar archive with events, proofs and the signed " +
      "checkpoint of the log; `datastorage verify` checks it without the service.",
    "The file appears under its name when it is whole and its SHA-256 is the one that the service has told, in place of one " +
      "that was there. Each export leaves two audit events under its export id.",
    "CSV has values as they were recorded: import it into a spreadsheet as text, or what begins with =, +, - or @ is taken for a formula.",
  ],
  flags: {
    output: {
      short: "o",
      value: "FILE",
      help: "the file to write, - for standard output (default: a name made of the export's id, here)",
    },
    format: { short: "f", value: "FORMAT", help: "bundle, jsonl, csv or parquet (default bundle)" },
    ...filterFlags,
    ...connectionFlags,
    ...outputFlags,
    timeout: { value: "DURATION", help: "the longest that the service may say nothing (default 30s)" },
    json: { help: "print what was exported as JSON, for programs" },
  },
  run: runExport,
};

async function runExport(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const format = wordOf(given, "format", Object.keys(FORMATS) as (keyof typeof FORMATS)[]) ?? "bundle";
  const output = given.text("output");
  if (output === "-" && terminal.stdout.isTerminal && !TEXT_FORMATS.includes(format)) {
    throw new UsageError(`--format ${format} is nothing that a terminal can show: name a file with --output FILE`);
  }
  const filter = readFilter(given, new Date());
  const connection = connect(invocation);
  const progress = showProgress(terminal);
  try {
    const sink: Sink = output === "-" ? new OutputSink(terminal.stdout) : new FileSink(output);
    const request = { filter, format: FORMATS[format] };
    const received = await receive(connection, request, { sink, progress, signal: terminal.signal });
    progress.stop();
    await report(invocation, received, sink, format);
    return EXIT.ok;
  } finally {
    progress.stop();
    connection.close();
  }
}

/** Goes to standard error where the file itself has gone to standard output. */
async function report(
  { given, terminal }: Invocation,
  { header, summary }: Received,
  sink: Sink,
  format: string,
): Promise<void> {
  const { stdout, stderr } = terminal;
  const to = sink.fileName === undefined ? stderr : stdout;
  if (given.has("json")) {
    const told = {
      file: sink.fileName ?? null,
      format,
      export_id: header.exportId,
      events: Number(summary.events),
      bytes: Number(summary.bytes),
      sha256: summary.sha256,
      tree_size: Number(header.treeSize),
    };
    await to.write(`${JSON.stringify(told)}\n`);
    return;
  }
  const events = count(Number(summary.events), "event");
  const of = count(Number(header.treeSize), "entry", "entries");
  const what = `${events} of a log of ${of}, ${count(Number(summary.bytes), "byte")}`;
  await to.write(
    `${sink.fileName === undefined ? "Exported" : `Wrote ${sink.fileName}:`} ${what}\n` +
      `  SHA-256  ${summary.sha256}\n  export   ${header.exportId}\n`,
  );
}
