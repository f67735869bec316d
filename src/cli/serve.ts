import { type Config, ConfigError, readConfig } from "../config/config.ts";
import { formatHostPort } from "../config/kinds.ts";
import { serveHelp } from "../config/reference.ts";
import { Fault } from "../fault.ts";
import { noPositionals } from "./arguments.ts";
import type { Command, Given, Invocation } from "./command.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import { StartFailure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export const serve: Command = {
  name: "serve",
  summary: "Serves the audit store until it gets SIGTERM or SIGINT.",
  positionals: "",
  flags: {
    config: { value: "FILE", help: "file of NAME=value lines; the environment wins over it" },
    "data-dir": { value: "DIR", help: "folder of the embedded servers; the same as DATASTORAGE_DATA_DIR" },
    fresh: { help: "empty that folder first" },
  },
  help: serveHelp,
  run: runServe,
};

async function runServe({ given, terminal }: Invocation): Promise<ExitCode> {
  noPositionals(given);
  const config = configOf(given, terminal);
  // Loaded late: the other commands need nothing of the service.
  const { serve: start } = await import("../main.ts");
  const starting = start({ config, fresh: given.has("fresh") }).catch((error: unknown) => {
    throw asStartFailure(error);
  });
  const asked = untilAborted(terminal.signal);
  const service = await Promise.race([starting, asked]);
  // Asked to end while it starts, perhaps while it waits for a database: nothing was served, so nothing needs to be settled.
  if (service === undefined) process.exit(EXIT.ok);
  const address = formatHostPort(service.address);
  await terminal.stdout.write(`listening on ${address}\n`);
  await terminal.stdout.write(invitation(address, config.tls !== undefined));
  const broken = await Promise.race([service.broken, asked]);
  await closeWithin(service, config);
  if (broken === undefined) return EXIT.ok;
  throw new StartFailure(`the service cannot go on: ${broken}`);
}

/** What the parts say about why they cannot start is meant for the operator; errors of the language are defects. */
function asStartFailure(error: unknown): unknown {
  const isDefect = [TypeError, RangeError, ReferenceError, SyntaxError].some((defect) => error instanceof defect);
  if (isDefect || !(error instanceof Error) || error instanceof Fault || error instanceof ConfigError) return error;
  return new StartFailure(`the service cannot start: ${error.message}`, { cause: error });
}

function configOf(given: Given, { env }: Terminal): Config {
  const dataDir = given.text("data-dir");
  const file = given.text("config");
  const variables = dataDir === undefined ? env : { ...env, DATASTORAGE_DATA_DIR: dataDir };
  return file === undefined ? readConfig(variables) : readConfig(variables, file);
}

/** How to call the service, for whoever has just started it. */
function invitation(address: string, tls: boolean): string {
  const flags = `${address === "127.0.0.1:8080" ? "" : ` --address ${address}`}${tls ? " --tls" : ""}`;
  return (
    "\nIn a second terminal, record a remediation and look at its course:\n" +
    `  npx datastorage record examples/remediation.jsonl${flags}\n` +
    `  npx datastorage timeline rr-5be0c1d49a27-7c1e4f03${flags}\n` +
    "Any gRPC client will do; reflection is on:\n" +
    `  grpcurl ${tls ? "" : "-plaintext "}${address} list\n\n`
  );
}

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** What closing may take beyond the configured time for calls: pools, embedded servers. */
const STORES_CLOSE_MS = 15_000;

async function closeWithin(service: { close(): Promise<void> }, { shutdownTimeoutMs }: Config): Promise<void> {
  const limit = shutdownTimeoutMs + STORES_CLOSE_MS;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, limit, new StartFailure(`the service did not end within ${limit} ms`));
  });
  await Promise.race([service.close(), late]).finally(() => clearTimeout(timer));
}
