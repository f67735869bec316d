/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In upper case. */
  readonly keyword: string;
  /** `--from=dependencies` is `from` → `dependencies`. */
  readonly flags: ReadonlyMap<string, string>;
  /** What follows the flags, its lines joined. */
  readonly rest: string;
  /** The words of `rest`: the strings of the exec form where it is JSON, else what blanks separate. */
  readonly words: readonly string[];
  /** Whether `rest` is in the exec form. */
  readonly exec: boolean;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** A stage: what stands between one FROM and the next. */
export interface Stage {
  /** The image it begins with, or the name of an earlier stage. */
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile into its stages. Knows no parser directives, heredocs or ARG before FROM, and says so. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructionsOf(text)) {
    if (instruction.keyword === "FROM") {
      const [base = "", as, name] = instruction.words;
      if (base === "" || (as !== undefined && as.toUpperCase() !== "AS"))
        throw new Error(`line ${instruction.line}: FROM`);
      stages.push({ base, name, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`line ${instruction.line}: ${instruction.keyword} before the first FROM`);
    stage.instructions.push(instruction);
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let begun: { text: string; line: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const { text: before, line: first } = begun ?? { text: "", line: index + 1 };
    const [, part = "", more] = /^(.*?)(\\)?\s*$/.exec(line) ?? [];
    begun = { text: `${before} ${part}`.trim(), line: first };
    if (more !== undefined) continue;
    instructions.push(instructionOf(begun.text, begun.line));
    begun = undefined;
  }
  return instructions;
}

function instructionOf(text: string, line: number): Instruction {
  const [, keyword = "", after = ""] = /^([A-Za-z]+)\s*(.*)$/s.exec(text) ?? [];
  const flags = new Map<string, string>();
  let rest = after;
  for (let found = flagIn(rest); found; found = flagIn(rest)) {
    flags.set(found.name, found.value);
    rest = found.rest;
  }
  const strings = execForm(rest);
  return {
    keyword: keyword.toUpperCase(),
    flags,
    rest,
    words: strings ?? rest.split(/\s+/),
    exec: strings !== undefined,
    line,
  };
}

function flagIn(text: string): { name: string; value: string; rest: string } | undefined {
  const [, name, value, rest] = /^--([a-z-]+)=(\S+)\s*(.*)$/s.exec(text) ?? [];
  return name === undefined || value === undefined ? undefined : { name, value, rest: rest ?? "" };
}

/** The strings of `["node", "x.ts"]`; undefined for the shell form. */
export function execForm(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  const strings: unknown = JSON.parse(text);
  if (Array.isArray(strings) && strings.every((entry) => typeof entry === "string")) return strings;
  throw new Error(`not in the exec form: ${text}`);
}
