import { type Config, readConfig } from "../../config/config.ts";
import { faultText, meaningOf, type StoreFault } from "../../fsck/findings.ts";
import { fsck as checkStore } from "../../fsck/fsck.ts";
import { noPositionals } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { asDatabaseFailure } from "../database_failure.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { outputColours, outputFlags } from "../output_flags.ts";
import { printable } from "../text.ts";
import { readOutside } from "./outside.ts";
import { showProgress } from "./progress.ts";
import { openStores } from "./stores.ts";
import { summaryText } from "./summary.ts";

export const fsck: Command = {
  name: "fsck",
  summary: "Checks the store against itself: chains, heads, ids, log, partitions, schema and queue.",
  positionals: "",
  notes: [
    "It reads everything once and changes nothing, and may run while a service does: the database is looked at as it was at " +
      "one moment. Until it has ended no partition of a month can be made.",
    "The servers are those that DATABASE_URL and VALKEY_URL name. Without DATABASE_URL they are those of the data folder: of the " +
      "service that runs there, or started for the while.",
    "The log is also held against the checkpoint in the data folder, where there is one, or against one that was kept elsewhere.",
    "What is checked stands in docs/integrity.md. Every fault is one line, without payloads, and with --json one object a line; the summary comes last.",
  ],
  flags: {
    config: { value: "FILE", help: "file of NAME=value lines; the environment wins over it" },
    "data-dir": { value: "DIR", help: "folder of the embedded servers; the same as DATASTORAGE_DATA_DIR" },
    "correlation-id": { value: "ID", help: "check the chain and the head of this remediation alone, and not all" },
    checkpoint: { value: "FILE", help: "hold the log against this signed checkpoint, kept elsewhere" },
    "verifier-key": { value: "VKEY", help: "trust this key of the log, and not those that the database knows" },
    ...outputFlags,
  },
  run: runFsck,
};

async function runFsck(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  noPositionals(given);
  const colours = outputColours(invocation);
  const json = given.has("json");
  const config = configOf(invocation);
  // Read before the database is: what is kept outside is never ahead of it.
  const outside = await readOutside(invocation, config.dataDir);
  const stores = await openStores(config, { info() {}, warn: (_, text) => void terminal.stderr.write(`${text}\n`) });
  const progress = showProgress(terminal);
  const tell = async (fault: StoreFault) => {
    progress.clear();
    const line = json
      ? JSON.stringify({ fault: { ...fault, meaning: meaningOf(fault) } })
      : printable(faultText(fault));
    await terminal.stdout.write(`${line}\n`);
  };
  try {
    const summary = await checkStore({
      ...config,
      databaseUrl: stores.databaseUrl,
      valkeyUrl: stores.valkeyUrl,
      correlationId: given.text("correlation-id"),
      outside,
      onFault: tell,
      onProgress: (now) => progress.show(now),
      signal: terminal.signal,
    }).finally(() => progress.stop());
    await terminal.stdout.write(json ? `${JSON.stringify({ summary })}\n` : summaryText(summary, colours));
    return summary.faults === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    throw asDatabaseFailure(error);
  } finally {
    await stores.close();
  }
}

function configOf({ given, terminal: { env } }: Invocation): Config {
  const dataDir = given.text("data-dir");
  const file = given.text("config");
  const variables = dataDir === undefined ? env : { ...env, DATASTORAGE_DATA_DIR: dataDir };
  return file === undefined ? readConfig(variables) : readConfig(variables, file);
}
