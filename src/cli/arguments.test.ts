import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyPositional, readArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { loadCommands } from "./commands.ts";
import { EXIT, EXIT_MEANINGS } from "./exit_code.ts";
import { commandHelp, overview } from "./help.ts";

const command: Command = {
  name: "find",
  summary: "Finds.",
  positionals: "ID",
  flags: {
    limit: { value: "N", help: "at most" },
    types: { value: "T", repeated: true, help: "of these" },
    json: { help: "JSON" },
    file: { short: "f", value: "FILE", repeated: true, help: "these files" },
    quiet: { short: "q", help: "say less" },
  },
  run: async () => EXIT.ok,
};
const read = (...args: string[]) => readArguments(command, args);

test("flags and arguments are read in any order", () => {
  const given = read("one", "--types", "a", "--json", "--types=b", "--limit=3");
  assert.deepEqual(given.positionals, ["one"]);
  assert.deepEqual(given.texts("types"), ["a", "b"]);
  assert.equal(given.text("limit"), "3");
  assert.equal(given.has("json"), true);
  assert.equal(given.has("limit"), true);
  assert.equal(given.has("other"), false);
});

test("a letter stands for a flag that has one", () => {
  const given = read("-f", "a", "-fb", "--file", "c", "-q", "-f", "-");
  assert.deepEqual(given.texts("file"), ["a", "b", "c", "-"]);
  assert.equal(given.has("quiet"), true);
  assert.deepEqual(given.positionals, []);
  assert.throws(() => read("-f"), /-f needs a value: -f FILE/);
  assert.throws(() => read("-f", "-q"), /-f needs a value/);
  assert.match(commandHelp(command), /^ {2}-f, --file FILE +these files \(may be repeated\)$/m);
  assert.match(commandHelp(command), /^ {2}-q, --quiet +say less$/m);
});

test("what follows -- is no flag", () => assert.deepEqual(read("--", "--json").positionals, ["--json"]));

test("a flag that is none is refused, with the one that was meant", () => {
  assert.throws(() => read("--limt", "3"), /--limt is no flag of datastorage find; did you mean --limit\?/);
  assert.throws(() => read("-x"), /-x is no flag/);
});

test("a forgotten value is not taken from the next flag", () => {
  assert.throws(() => read("--limit", "--json"), /--limit needs a value: --limit N/);
  assert.throws(() => read("--limit"), /--limit needs a value/);
  assert.throws(() => read("--json=yes"), /--json takes no value/);
  assert.equal(read("--limit=-1").text("limit"), "-1");
});

test("exactly one argument is asked for where one is needed", () => {
  assert.equal(onlyPositional(read("one"), "ID"), "one");
  assert.throws(() => onlyPositional(read(), "ID"), /ID is missing/);
  assert.throws(() => onlyPositional(read("one", "two"), "ID"), /"two" is one too many/);
});

test("the help of every command names every flag and fits 96 columns", async () => {
  const commands = await loadCommands();
  for (const one of commands) {
    const help = commandHelp(one);
    for (const flag of Object.keys(one.flags)) assert.match(help, new RegExp(`--${flag}\\b`), `${one.name} --${flag}`);
    for (const line of help.split("\n")) assert.ok(line.length <= 96, `${one.name}: ${line}`);
  }
  const all = overview(commands);
  for (const { name, summary } of commands) assert.ok(all.includes(name) && summary !== "");
  for (const [code] of EXIT_MEANINGS) assert.match(all, new RegExp(`^  ${code} `, "m"));
});
