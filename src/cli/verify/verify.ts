import { readFile } from "node:fs/promises";
import { NoteError, parseVerifierKey, type Verifier } from "../../integrity/note/signed_note.ts";
import { Flaw } from "../../integrity/offline/flaw.ts";
import { readText } from "../../integrity/offline/lines.ts";
import type { BundleReport, ReceiptReport } from "../../integrity/offline/report.ts";
import { verifyBundle } from "../../integrity/offline/verify_bundle.ts";
import { verifyReceipt } from "../../integrity/offline/verify_receipt.ts";
import { onlyPositional } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { type Evidence, lookAtEvidence } from "./evidence.ts";
import { flawJson, reportJson } from "./json.ts";
import { showProgress } from "./progress.ts";
import { flawText, reportText } from "./report_text.ts";

export const verify: Command = {
  name: "verify",
  summary: "Verifies an exported bundle or a receipt: without a service, a database or a network.",
  positionals: "FILE",
  notes: [
    "FILE is a bundle as `export` writes it, also compressed with gzip, or a receipt as `receipt` writes it; `-` reads standard input. " +
      "Every hash is recomputed, up to the signed checkpoint. The report says what is proven, by which key, and what is not; where " +
      "something is not as it claims, it names the first event or line that shows it, and the exit code is 1.",
    "A proof is worth as much as the key behind it, and a key that comes with what it is to prove is worth nothing: anyone can make a " +
      "bundle with a key of their own. So give the log's public key, learnt another way (`log keygen` and `log status` print it), with " +
      "--verifier-key. Then nothing passes that neither it nor another given key signed. Without a key the report says that the file is " +
      "consistent in itself, and the exit code is 0.",
    "With --event, a receipt is held against the event itself: a line of a bundle's events-….jsonl, in a file of its own.",
  ],
  flags: {
    "verifier-key": {
      value: "VKEY",
      repeated: true,
      help: "a public key to trust, `name+id+base64`; may be given several times",
    },
    "verifier-key-file": {
      value: "FILE",
      repeated: true,
      help: "a file of such keys, one a line; lines that begin with # are passed over",
    },
    event: { value: "FILE", help: "the event that a receipt is about, as its line in a bundle" },
    ...outputFlags,
  },
  run: runVerify,
};

async function runVerify(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const name = onlyPositional(given, "FILE");
  const colours = outputColours(invocation);
  const keys = await readKeys(invocation);
  const evidence = await lookAtEvidence(name, terminal);
  const json = given.has("json");
  try {
    const report = await verified(evidence, keys, invocation);
    await terminal.stdout.write(json ? `${reportJson(report)}\n` : reportText(report, colours));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof Flaw)) throw error;
    await terminal.stdout.write(json ? `${flawJson(error)}\n` : flawText(error, colours));
    return EXIT.failed;
  }
}

async function verified(
  evidence: Evidence,
  keys: readonly Verifier[],
  { given, terminal }: Invocation,
): Promise<BundleReport | ReceiptReport> {
  const eventFile = given.text("event");
  if (evidence.kind === "receipt") {
    const text = await readText("receipt", evidence.chunks, MAX_RECEIPT_BYTES);
    const event = eventFile === undefined ? {} : { event: { file: eventFile, text: await textOf(eventFile) } };
    return verifyReceipt(text, { keys, ...event });
  }
  if (eventFile !== undefined)
    throw new UsageError("--event belongs to a receipt, and this is a bundle, which holds its events");
  const progress = showProgress(terminal, evidence.bytes);
  try {
    return await verifyBundle(progress.counted(evidence.chunks), { keys, onProgress: (now) => progress.show(now) });
  } finally {
    progress.stop();
  }
}

const MAX_RECEIPT_BYTES = 1024 * 1024;

async function readKeys({ given }: Invocation): Promise<Verifier[]> {
  const keys = given.texts("verifier-key").map((text) => keyOf(text.trim(), "--verifier-key"));
  for (const file of given.texts("verifier-key-file")) {
    for (const [index, line] of (await textOf(file)).split("\n").entries()) {
      const text = line.trim();
      if (text !== "" && !text.startsWith("#")) keys.push(keyOf(text, `${file}:${index + 1}`));
    }
  }
  return keys;
}

function keyOf(text: string, where: string): Verifier {
  try {
    return parseVerifierKey(text);
  } catch (cause) {
    throw cause instanceof NoteError ? new UsageError(`${where}: ${cause.message}`, { cause }) : cause;
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new UsageError(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
}
