import type { ExitCode } from "./exit_code.ts";
import type { Terminal } from "./terminal.ts";

/** One flag of a command: `--name VALUE`, or `--name` alone where it has no value. */
export interface Flag {
  /** A letter that may stand for the name: `f` for `-f VALUE`. */
  readonly short?: string;
  /** What stands for the value in the help, such as `FILE`. Absent: the flag is a switch. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly repeated?: boolean;
  /** What it does, as a phrase without a full stop. */
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** A command of `datastorage`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name: `FILE…`. Empty for a command without arguments. */
  readonly positionals: string;
  readonly flags: Flags;
  /** Further paragraphs of the help. */
  readonly notes?: readonly string[];
  /** The whole help in place of the one made from the parts above. */
  readonly help?: () => string;
  /** Runs it. @throws UsageError, and whatever the service or the system fails with. */
  readonly run: (invocation: Invocation) => Promise<ExitCode>;
}

/** A command with what it was called with. */
export interface Invocation {
  readonly terminal: Terminal;
  readonly given: Given;
}

/** The values of the flags as they were written. */
export interface Given {
  readonly positionals: readonly string[];
  /** The value of a flag; the last one where it was repeated. */
  text(name: string): string | undefined;
  /** All values of a flag that may be repeated. */
  texts(name: string): readonly string[];
  has(name: string): boolean;
}
