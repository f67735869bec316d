import { type Config, readConfig } from "../../config/config.ts";
import { logOrigin } from "../../config/log_kinds.ts";
import { KeptCheckpoint } from "../../integrity/sealing/kept_checkpoint.ts";
import { findLogKeys } from "../../integrity/sealing/log_keys.ts";
import { type OriginChange, openNewOrigin } from "../../integrity/sealing/new_origin.ts";
import { Database } from "../../postgres/database.ts";
import { onlyPositional } from "../arguments.ts";
import type { Command, Invocation } from "../command.ts";
import { asDatabaseFailure } from "../database_failure.ts";
import { EXIT, type ExitCode, UsageError } from "../exit_code.ts";
import { StartFailure } from "../failure.ts";
import { openStores } from "../fsck/stores.ts";
import { printable } from "../text.ts";

export const newOrigin: Command = {
  name: "log new-origin",
  summary: "Goes on signing the log under another name, and says for good what that name follows.",
  positionals: "NAME",
  notes: [
    "For a log that contradicts what was signed of it: its database was restored from a backup, and a checkpoint kept outside covers " +
      "entries that are gone. Under the name that it had nothing is signed any more. The new name is linked to the last checkpoint " +
      "under the old one, and to the one that the database contradicts; the service records that it was opened as an event. It notices " +
      "within some seconds, unless DATASTORAGE_LOG_ORIGIN gives it another name.",
    "The database is the one that DATABASE_URL names, else that of the data folder: of the service that runs there, or started for " +
      "the while. The checkpoint kept outside is read from the data folder of the service: run this where that is.",
    "Ends with 3 when the name was used before: no name is used twice.",
  ],
  flags: {
    reason: { value: "TEXT", help: "why, for auditors" },
    config: { value: "FILE", help: "file of NAME=value lines; the environment wins over it" },
    "data-dir": {
      value: "DIR",
      help: "folder of the checkpoint and of the embedded servers; the same as DATASTORAGE_DATA_DIR",
    },
    json: { help: "print JSON, for programs" },
  },
  run: runNewOrigin,
};

const STATEMENT_TIMEOUT_MS = 30_000;
const REASON_CHARACTERS = 1000;

async function runNewOrigin(invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  const origin = onlyPositional(given, "NAME");
  if (logOrigin.parse(origin) === undefined) throw new UsageError(`NAME must be ${logOrigin.rule}`);
  const reason = given.text("reason") ?? "";
  if ([...reason].length > REASON_CHARACTERS || /\p{Cc}/u.test(reason)) {
    throw new UsageError(`--reason must be at most ${REASON_CHARACTERS} characters without control characters`);
  }
  const config = configOf(invocation);
  const stores = await openStores(config, { info() {}, warn: (_, text) => void terminal.stderr.write(`${text}\n`) });
  const database = new Database({
    url: stores.databaseUrl,
    connections: 1,
    applicationName: "datastorage log new-origin",
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    const keys = findLogKeys({ ...config, embedded: config.databaseUrl === undefined });
    const kept = await readKept(new KeptCheckpoint(config.dataDir));
    const change = await openNewOrigin({ database, kept, keys, origin, reason });
    await terminal.stdout.write(given.has("json") ? `${JSON.stringify(jsonOf(change))}\n` : changeText(change));
    return change.outcome === "opened" ? EXIT.ok : EXIT.refused;
  } catch (error) {
    throw asDatabaseFailure(error);
  } finally {
    await database.end();
    await stores.close();
  }
}

async function readKept(kept: KeptCheckpoint): Promise<{ note: string; file: string } | undefined> {
  try {
    const note = await kept.read();
    return note === undefined ? undefined : { note, file: kept.file };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartFailure(`the checkpoint ${kept.file} cannot be read (${code})`, { cause: error });
  }
}

function configOf({ given, terminal: { env } }: Invocation): Config {
  const dataDir = given.text("data-dir");
  const file = given.text("config");
  const variables = dataDir === undefined ? env : { ...env, DATASTORAGE_DATA_DIR: dataDir };
  return file === undefined ? readConfig(variables) : readConfig(variables, file);
}

function jsonOf({ outcome, origin, predecessor, contradiction }: OriginChange): object {
  return {
    outcome,
    origin,
    ...(predecessor !== undefined && { predecessor_checkpoint: predecessor }),
    ...(contradiction !== undefined && {
      contradiction: contradiction.text,
      ...(contradiction.note !== undefined && { contradicted_checkpoint: contradiction.note }),
    }),
  };
}

function changeText({ outcome, origin, predecessor, contradiction }: OriginChange): string {
  if (outcome === "known") return `${printable(origin)} was used before: no origin is used twice, so take another\n`;
  const lines = [`opened ${printable(origin)}: the log is signed under it from now on`];
  lines.push(predecessor === undefined ? "it follows no checkpoint" : `it follows ${inline(predecessor)}`);
  if (contradiction === undefined) lines.push("no contradiction was found: nothing had to be linked besides");
  else if (contradiction.note === undefined)
    lines.push(`not linked, because it is no text that could be; move it away: ${printable(contradiction.text)}`);
  else lines.push(`it names what it contradicts: ${printable(contradiction.text)}`);
  return `${lines.join("\n")}\n`;
}

/** The text of a signed note on one line. */
function inline(note: string): string {
  const [origin = "", size = "", root = ""] = note.split("\n");
  return printable(`the checkpoint of ${origin}, size ${size}, root ${root}`);
}
