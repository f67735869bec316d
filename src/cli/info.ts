import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { PayloadForm } from "../../gen/ts/kubernaut/audit/v1/audit_event_pb.ts";
import {
  type GetServiceInfoResponse,
  GetServiceInfoResponseSchema,
} from "../../gen/ts/kubernaut/audit/v1/audit_service_pb.ts";
import { formatBytes } from "../config/kinds.ts";
import { noPositionals } from "./arguments.ts";
import type { Palette } from "./colour.ts";
import type { Command, Invocation } from "./command.ts";
import { connect, connectionFlags, urlOf } from "./connection.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { outputColours, outputFlags } from "./output_flags.ts";
import { storeText } from "./store_text.ts";
import { count } from "./text.ts";

export const info: Command = {
  name: "info",
  summary: "Tells the version, the limits and the state of a service.",
  positionals: "",
  flags: { ...connectionFlags, ...outputFlags },
  run: runInfo,
};

async function runInfo(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const { client, target, close } = connect(invocation);
  try {
    const answer = await client.getServiceInfo({}, { timeoutMs: target.timeoutMs, signal: terminal.signal });
    const text = given.has("json")
      ? JSON.stringify(toJson(GetServiceInfoResponseSchema, answer, { useProtoFieldName: true }))
      : infoText(answer, urlOf(target), outputColours(invocation));
    await terminal.stdout.write(`${text}\n`);
    return EXIT.ok;
  } finally {
    close();
  }
}

const PAYLOAD_FORMS: Readonly<Record<number, string>> = {
  [PayloadForm.STRUCT]: "a Struct",
  [PayloadForm.JSON]: "JSON text",
  [PayloadForm.TYPED]: "a typed message",
};

function infoText(answer: GetServiceInfoResponse, url: string, colours: Palette): string {
  const { version, limits, payloadForms, serverTime, database, queue, degraded } = answer;
  const forms = payloadForms.map((form) => PAYLOAD_FORMS[form]);
  const lines = [`DataStorage ${version} at ${url}`];
  if (serverTime !== undefined) lines.push(`Its time   ${timestampDate(serverTime).toISOString()}`);
  if (limits !== undefined) {
    lines.push(
      `A batch    up to ${count(limits.maxBatchEvents, "event")}, ${formatBytes(Number(limits.maxBatchBytes))}`,
    );
    lines.push(
      `A payload  up to ${formatBytes(limits.maxEventDataBytes)}, ${limits.maxEventDataDepth} levels deep; as ${forms.join(", ")}`,
    );
    lines.push(`A page     up to ${count(limits.maxPageSize, "event")}`);
  }
  lines.push(`Database   ${storeText(database, colours)}`, `Queue      ${storeText(queue, colours)}`);
  if (degraded) lines.push(colours.yellow("Degraded   one of its stores takes no events"));
  return lines.join("\n");
}
