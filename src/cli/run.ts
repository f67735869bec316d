import { nearest } from "../config/nearest.ts";
import { readArguments } from "./arguments.ts";
import type { Command, Invocation } from "./command.ts";
import { COMMAND_NAMES, isGroup, loadCommand, loadCommands } from "./commands.ts";
import { readTarget, urlOf } from "./connection.ts";
import { EXIT, type ExitCode, UsageError } from "./exit_code.ts";
import { describeFailure, failureJson } from "./failure.ts";
import { commandHelp, overview } from "./help.ts";
import { OutputClosed, type Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Runs `datastorage` with its arguments, to its exit code. Whatever goes wrong is told on standard error. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await runNamed(args, terminal);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.ok;
    const { text, exit } = describeFailure(error);
    await terminal.stderr.write(`datastorage: ${text}\n`);
    return exit;
  }
}

async function runNamed([name = "help", ...rest]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (["version", "--version"].includes(name)) {
    await terminal.stdout.write(`${VERSION}\n`);
    return EXIT.ok;
  }
  const wantsHelp = isHelp(name);
  const [first, ...others] = wantsHelp ? rest : [name, ...rest];
  if (first === undefined) {
    await terminal.stdout.write(overview(await loadCommands()));
    return EXIT.ok;
  }
  const [second, ...more] = others;
  const grouped = isGroup(first);
  if (grouped && (second === undefined || isHelp(second))) {
    await terminal.stdout.write(overview(await loadCommands(first)));
    return EXIT.ok;
  }
  const command = await findCommand(grouped ? `${first} ${second}` : first);
  const given = readArguments(command, wantsHelp ? ["--help"] : grouped ? more : others);
  if (!given.has("help")) return runCommand(command, { given, terminal });
  await terminal.stdout.write(commandHelp(command));
  return EXIT.ok;
}

function isHelp(word: string): boolean {
  return ["help", "--help", "-h"].includes(word);
}

async function findCommand(name: string): Promise<Command> {
  const command = await loadCommand(name);
  if (command !== undefined) return command;
  if (name.startsWith("-")) throw new UsageError(`the command comes first, and flags such as ${name} after it`);
  const [first = ""] = name.split(" ");
  const known = isGroup(first) ? COMMAND_NAMES.filter((one) => one.startsWith(`${first} `)) : COMMAND_NAMES;
  const likely = nearest(name, known);
  const hint = likely === undefined ? `the commands are ${known.join(", ")}` : `did you mean ${likely}?`;
  throw new UsageError(`${JSON.stringify(name)} is no command; ${hint}`);
}

async function runCommand(command: Command, invocation: Invocation): Promise<ExitCode> {
  const { given, terminal } = invocation;
  try {
    const exit = await command.run(invocation);
    // To a service that is asked to end, ending is what it should do.
    return command.name === "serve" ? exit : (interruption(terminal) ?? exit);
  } catch (error) {
    if (error instanceof OutputClosed) throw error;
    const failure = describeFailure(error, "address" in command.flags ? urlGiven(invocation) : undefined);
    // What an interrupted call failed with says nothing new.
    const interrupted = interruption(terminal);
    if (interrupted !== undefined) return interrupted;
    const hint = error instanceof UsageError ? ` (see datastorage ${command.name} --help)` : "";
    const text = given.has("json") ? failureJson(failure) : `datastorage: ${failure.text}${hint}`;
    await terminal.stderr.write(`${text}\n`);
    return failure.exit;
  }
}

function interruption({ signal }: Terminal): ExitCode | undefined {
  if (!signal.aborted) return undefined;
  return signal.reason === "SIGTERM" ? EXIT.terminated : EXIT.interrupted;
}

function urlGiven({ given, terminal }: Invocation): string | undefined {
  try {
    return urlOf(readTarget(given, terminal.env));
  } catch {
    return undefined;
  }
}
