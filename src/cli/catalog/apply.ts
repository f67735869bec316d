import { Code, ConnectError } from "@connectrpc/connect";
import type { Palette } from "../colour.ts";
import type { Flags, Invocation } from "../command.ts";
import { type Connection, connect, connectionFlags, urlOf } from "../connection.ts";
import { durationText } from "../duration_text.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { describeFailure, type Failure } from "../failure.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";
import { durationOf } from "../values.ts";
import type { CallBounds, CatalogClient } from "./client.ts";
import { documentsOf } from "./documents.ts";
import { type CatalogFile, findFiles, readText } from "./files.ts";
import { Patience } from "./patience.ts";
import { type ApplyProgress, showProgress } from "./progress.ts";
import { type Applied, type ApplyResult, ApplyTally, placeOf, resultJson, resultText } from "./result.ts";

/** A kind of object that can be applied. */
export interface ApplicableKind {
  /** `kind` of its documents. */
  readonly kind: string;
  /** What people call it. */
  readonly noun: string;
  /** Registers one. */
  readonly register: (
    catalog: CatalogClient,
    request: { readonly content: string; readonly validateOnly: boolean },
    bounds: CallBounds,
  ) => Promise<Applied>;
}

/** What the help of both commands says. */
export const applyNotes = [
  "What is there already as it is stays as it is, so that applying the same files again is safe. A file may hold several " +
    "objects, and others beside them, which are passed over. Of a folder the files *.yaml, *.yml and *.json are taken at any " +
    "depth, by name; those without an object of this kind are counted and skipped. `-` reads standard input.",
  "What is refused is named with its file and every rule that it breaks, the others are applied, and the command ends with 3.",
] as const;

export const applyFlags = {
  filename: { short: "f", value: "PATH", repeated: true, help: "a file or folder, as the arguments name them" },
  "dry-run": { help: "only say what would happen: every rule is checked, and nothing is written" },
  "retry-for": { value: "DURATION", help: "how long to go on while the service takes nothing (default 60s)" },
  ...connectionFlags,
  ...outputFlags,
} as const satisfies Flags;

const DEFAULT_RETRY_FOR_MS = 60_000;
/** The largest object that the service takes, in bytes. */
const MAX_CONTENT_BYTES = 2 * 1024 * 1024;
/** What the service says of one object and not of all. */
const OF_ONE_OBJECT = new Set([Code.InvalidArgument, Code.FailedPrecondition, Code.NotFound, Code.AlreadyExists]);

/**
 * Applies the objects of files, one after the other in the order of the files: tells what became of each, and at the end how
 * many had which outcome, also when it could not go on.
 *
 * @throws UsageError for files that are not there, and where none holds an object of the kind; ConnectError for what every
 * object would fail with.
 */
export async function applyFiles(invocation: Invocation, kind: ApplicableKind): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const retryForMs = durationOf(given, "retry-for") ?? DEFAULT_RETRY_FOR_MS;
  const colours = outputColours(invocation);
  const files = await findFiles([...given.positionals, ...given.texts("filename")]);
  const connection = connect(invocation);
  const run: Run = {
    kind,
    invocation,
    connection,
    colours,
    dryRun: given.has("dry-run"),
    tally: new ApplyTally(),
    progress: showProgress(terminal, files.length),
    patience: new Patience({
      retryForMs,
      signal: terminal.signal,
      onRetry: (reason, waitMs) =>
        run.progress.say(
          `Trying again in ${durationText(waitMs)}: ${describeFailure(reason, urlOf(connection.target)).text}`,
        ),
    }),
  };
  await applyAll(files, run);
  return run.tally.failed ? EXIT.refused : EXIT.ok;
}

/** What belongs to one run of the command. */
interface Run {
  readonly kind: ApplicableKind;
  readonly invocation: Invocation;
  readonly connection: Connection;
  readonly colours: Palette;
  readonly dryRun: boolean;
  readonly tally: ApplyTally;
  readonly progress: ApplyProgress;
  readonly patience: Patience;
}

async function applyAll(files: readonly CatalogFile[], run: Run): Promise<void> {
  const { kind, connection, dryRun, tally, progress, invocation } = run;
  try {
    for (const file of files) {
      tally.files += 1;
      await applyFile(file, run);
      progress.advance();
    }
    tally.complete = true;
  } finally {
    progress.stop();
    connection.close();
    if (!invocation.given.has("json")) await invocation.terminal.stdout.write(`${tally.text(kind.noun, dryRun)}\n`);
  }
  if (tally.without === files.length) throw new UsageError(`none of the files holds a document of kind ${kind.kind}`);
}

async function applyFile(file: CatalogFile, run: Run): Promise<void> {
  const { kind, tally, invocation } = run;
  const read = await readText(file, invocation.terminal.stdin);
  if ("problem" in read) return tell({ file: file.name, ...read }, run);
  const documents = documentsOf(kind.kind, read.text);
  if (documents.length === 0) {
    if (file.named) await tell({ file: file.name, problem: `holds no document of kind ${kind.kind}` }, run);
    else tally.without += 1;
  }
  for (const { content, line } of documents) {
    await tell({ file: file.name, ...(line !== undefined && { line }), ...(await register(content, run)) }, run);
  }
}

async function register(content: string, run: Run): Promise<{ applied: Applied } | Refused | { problem: string }> {
  const { kind, connection, dryRun, patience, invocation } = run;
  const { catalog, target } = connection;
  if (Buffer.byteLength(content) > MAX_CONTENT_BYTES) return { problem: "is larger than 2 MiB" };
  const bounds = { timeoutMs: target.timeoutMs, signal: invocation.terminal.signal };
  try {
    const request = { content, validateOnly: dryRun };
    return { applied: await patience.call(() => kind.register(catalog, request, bounds)) };
  } catch (error) {
    const { answer } = describeFailure(error, urlOf(target));
    if (answer === undefined || !(error instanceof ConnectError) || !OF_ONE_OBJECT.has(error.code)) throw error;
    return { refused: answer };
  }
}

interface Refused {
  readonly refused: NonNullable<Failure["answer"]>;
}

async function tell(result: ApplyResult, { invocation, tally, progress, dryRun, colours }: Run): Promise<void> {
  tally.add(result);
  const json = invocation.given.has("json");
  const text = json ? resultJson(result, dryRun) : resultText(result, dryRun, colours);
  await invocation.terminal.stdout.write(`${text}\n`);
  if (json || !("applied" in result)) return;
  for (const warning of result.applied.warnings) {
    await progress.say(`${placeOf(result)}: warning: ${printable(warning)}`);
  }
}
