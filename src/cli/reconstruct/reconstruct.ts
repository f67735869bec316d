import { writeFile } from "node:fs/promises";
import { type JsonValue, toJson } from "@bufbuild/protobuf";
import {
  type Reconstruction,
  ReconstructionSchema,
  ResourceKind,
} from "../../../gen/ts/kubernaut/reconstruction/v1/reconstruction_service_pb.ts";
import { RemediationRequestSchema } from "../../../gen/ts/kubernaut/reconstruction/v1/remediation_request_pb.ts";
import { onlyPositional } from "../arguments.ts";
import { asOf, asOfFlag } from "../as_of.ts";
import { COLOUR_CHOICES, palette, wantsColour } from "../colour.ts";
import type { Command, Given, Invocation } from "../command.ts";
import { type Connection, connect, connectionFlags } from "../connection.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";
import { outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";
import { wordOf } from "../values.ts";
import { KIND_NAMES, kindOf } from "./kinds.ts";
import { provenanceText } from "./provenance.ts";
import { summaryText } from "./summary.ts";

export const reconstruct: Command = {
  name: "reconstruct",
  summary: "Rebuilds the object of a remediation that a cluster has lost, from its events.",
  positionals: "CORRELATION_ID",
  notes: [
    "Standard output gets the object alone, as YAML for `kubectl apply -f -`; standard error how complete it is, which fields are " +
      "missing and which events would have carried them, what is odd, and whether the chain of the events holds. A broken chain " +
      "and an incomplete object do not change the exit code; --minimum-completeness refuses the latter.",
    `Kinds: ${KIND_NAMES.join(", ")}.`,
  ],
  flags: {
    output: { short: "o", value: "FORM", help: "yaml or json: the form of the object (default yaml)" },
    file: { short: "f", value: "FILE", help: "write to this file instead of standard output" },
    kind: { value: "KIND", help: "which object (default RemediationRequest)" },
    namespace: {
      short: "n",
      value: "NAMESPACE",
      help: "the request's namespace, where events tell of several or of none",
    },
    ...asOfFlag,
    "minimum-completeness": { value: "SHARE", help: "refuse an object that is less complete, 0 to 1" },
    provenance: { help: "print which event each field came from, instead of the object" },
    ...connectionFlags,
    ...outputFlags,
    json: {
      help: "print the whole answer as JSON: the object, its YAML text, completeness, warnings, provenance, chain",
    },
  },
  run: runReconstruct,
};

/** What was rebuilt; `object` in ProtoJSON is the object itself. */
interface Rebuilt {
  readonly yaml: string;
  readonly json: string;
  readonly reconstruction: Reconstruction;
  readonly object: JsonValue;
}

async function runReconstruct(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const form = wordOf(given, "output", ["yaml", "json"]) ?? "yaml";
  const forms = ["output", "json", "provenance"].filter((name) => given.has(name));
  if (forms.length > 1) throw new UsageError(`--${forms.join(" and --")} do not go together`);
  const choice = wordOf(given, "color", COLOUR_CHOICES) ?? "auto";
  const coloursOf = (output: "stdout" | "stderr") =>
    palette(wantsColour(choice, terminal[output].isTerminal, terminal.env));
  const file = given.text("file");
  const rebuilt = await ask(invocation);
  const forTerminal = terminal.stdout.isTerminal && file === undefined;
  const { reconstruction } = rebuilt;
  if (given.has("json")) await write(invocation, file, `${replyJson(rebuilt)}\n`);
  else if (given.has("provenance")) {
    const columns = file === undefined ? terminal.stdout.columns : undefined;
    const colours = file === undefined ? coloursOf("stdout") : palette(false);
    await write(invocation, file, provenanceText(reconstruction.provenance, columns, colours));
  } else {
    const text = rebuilt[form];
    if (text === "") throw new StartFailure("the object is too large to come as JSON text; -o yaml has it");
    await write(invocation, file, forTerminal ? text.split("\n").map(printable).join("\n") : text);
  }
  await terminal.stderr.write(summaryText(reconstruction, coloursOf("stderr")));
  return EXIT.ok;
}

async function ask(invocation: Invocation): Promise<Rebuilt> {
  const { given, terminal } = invocation;
  const kind = kindOf(given);
  const moment = asOf(given, new Date());
  const request = {
    correlationId: onlyPositional(given, "CORRELATION_ID"),
    ...(moment && { asOf: moment }),
    namespace: given.text("namespace") ?? "",
    minimumCompleteness: shareOf(given, "minimum-completeness") ?? 0,
  };
  const { reconstruction: client, target, close } = connect(invocation);
  const call = { timeoutMs: target.timeoutMs, signal: terminal.signal };
  try {
    return kind === ResourceKind.REMEDIATION_REQUEST
      ? await askRemediationRequest(client, request, call)
      : await askResource(client, { ...request, kind }, call);
  } finally {
    close();
  }
}

type Client = Connection["reconstruction"];

async function askRemediationRequest(
  client: Client,
  request: Parameters<Client["reconstructRemediationRequest"]>[0],
  call: Parameters<Client["reconstructRemediationRequest"]>[1],
): Promise<Rebuilt> {
  const { remediationRequest: object, ...told } = await client.reconstructRemediationRequest(request, call);
  return whole({ ...told, object: object && toJson(RemediationRequestSchema, object) });
}

async function askResource(
  client: Client,
  request: Parameters<Client["reconstructResource"]>[0],
  call: Parameters<Client["reconstructResource"]>[1],
): Promise<Rebuilt> {
  return whole(await client.reconstructResource(request, call));
}

type Told = Omit<Rebuilt, "object" | "reconstruction"> & {
  readonly object?: JsonValue | undefined;
  readonly reconstruction?: Reconstruction | undefined;
};

function whole({ yaml, json, object, reconstruction }: Told): Rebuilt {
  if (object !== undefined && reconstruction !== undefined) return { yaml, json, object, reconstruction };
  throw new StartFailure("the service answered without the object, or without telling how it was rebuilt");
}

/** The answer for programs: one object, in which also what is false or 0 is told. */
function replyJson({ yaml, json, object, reconstruction }: Rebuilt): string {
  const options = { useProtoFieldName: true, alwaysEmitImplicit: true };
  return JSON.stringify({
    object: json === "" ? object : JSON.parse(json),
    yaml,
    reconstruction: toJson(ReconstructionSchema, reconstruction, options),
  });
}

/** A flag that holds a share. @throws UsageError for anything but a number from 0 to 1. */
function shareOf(given: Given, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new UsageError(`--${name} must be a share from 0 to 1 such as 0.8, and not ${JSON.stringify(text)}`);
}

async function write({ terminal }: Invocation, file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return terminal.stdout.write(text);
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new StartFailure(`--file ${file} cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
  }
  await terminal.stderr.write(`Wrote ${file}\n`);
}
