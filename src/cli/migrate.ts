import { readConfig } from "../config/config.ts";
import { migrate as applyMigrations } from "../postgres/migrate.ts";
import { noPositionals } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { asDatabaseFailure } from "./database_failure.ts";
import { EXIT, type ExitCode, UsageError } from "./exit_code.ts";

export const migrate: Command = {
  name: "migrate",
  summary: "Brings the schema of the database that DATABASE_URL names up to date.",
  positionals: "",
  notes: [
    "`serve` does the same when it starts; this is for those who let other people, or another role, change the schema. Any " +
      "number may run at once. A schema of a newer version is refused.",
  ],
  flags: {
    config: {
      value: "FILE",
      help: "file of NAME=value lines that may hold DATABASE_URL; the environment wins over it",
    },
    json: { help: "print JSON, for programs" },
  },
  run: runMigrate,
};

async function runMigrate({ given, terminal }: Invocation): Promise<ExitCode> {
  noPositionals(given);
  const file = given.text("config");
  const { databaseUrl } = file === undefined ? readConfig(terminal.env) : readConfig(terminal.env, file);
  if (databaseUrl === undefined) throw new UsageError("DATABASE_URL is not set: it names the database to migrate");
  const { applied, version } = await applyMigrations(databaseUrl).catch((error: unknown) => {
    throw asDatabaseFailure(error);
  });
  const lines = applied.map((name) => `applied ${name}\n`).join("");
  const text = `${lines}the schema is at version ${version}${applied.length === 0 ? " already" : ""}\n`;
  await terminal.stdout.write(given.has("json") ? `${JSON.stringify({ applied, version })}\n` : text);
  return EXIT.ok;
}
