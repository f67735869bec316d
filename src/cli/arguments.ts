import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { nearest } from "../config/nearest.ts";
import type { Command, Flag, Given } from "./command.ts";
import { UsageError } from "./exit_code.ts";

/**
 * Reads the arguments of a command by its table of flags.
 *
 * @throws UsageError for unknown flags, flags without their value, and values for switches.
 */
export function readArguments(command: Command, args: readonly string[]): Given {
  const options: ParseArgsOptionsConfig = { help: { type: "boolean", short: "h" } };
  for (const [name, flag] of Object.entries(command.flags)) {
    options[name] = {
      type: flag.value === undefined ? "boolean" : "string",
      multiple: flag.repeated === true,
      ...(flag.short !== undefined && { short: flag.short }),
    };
  }
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const positionals: string[] = [];
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const known: Flag | undefined = token.name === "help" ? { help: "" } : command.flags[token.name];
    checkOption(command, token, known);
    values.set(token.name, [...(values.get(token.name) ?? []), token.value ?? ""]);
  }
  return {
    positionals,
    text: (name) => values.get(name)?.at(-1),
    texts: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
  };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkOption(command: Command, { rawName, value, inlineValue }: OptionToken, flag: Flag | undefined): void {
  if (flag === undefined) {
    const likely = nearest(
      rawName,
      Object.keys(command.flags).map((name) => `--${name}`),
    );
    const hint = likely === undefined ? "" : `; did you mean ${likely}?`;
    throw new UsageError(`${rawName} is no flag of datastorage ${command.name}${hint}`);
  }
  // `--limit --json` is a forgotten number, and no limit named "--json".
  const forgotten = value === undefined || (inlineValue === false && /^-./.test(value));
  if (flag.value !== undefined && forgotten) throw new UsageError(`${rawName} needs a value: ${rawName} ${flag.value}`);
  if (flag.value === undefined && value !== undefined) throw new UsageError(`${rawName} takes no value`);
}

/** The only argument of a command. @throws UsageError when there is none, or more than one. */
export function onlyPositional({ positionals }: Given, name: string): string {
  const [first, second] = positionals;
  if (first === undefined || first === "") throw new UsageError(`${name} is missing`);
  if (second !== undefined)
    throw new UsageError(`only one ${name} can be given; ${JSON.stringify(second)} is one too many`);
  return first;
}

/** @throws UsageError when a command that takes no arguments got one. */
export function noPositionals({ positionals: [first] }: Given): void {
  if (first !== undefined) throw new UsageError(`${JSON.stringify(first)} stands where no argument can be`);
}
