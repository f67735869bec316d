import { parseEnv } from "node:util";
import type { ConfigFault } from "./config_error.ts";

/** A value of the configuration file and the line, counted from 1, on which it stands. */
export interface FileEntry {
  readonly text: string;
  readonly line: number;
}

const ASSIGNMENT = /^\s*(?:export\s+)?(?<name>[A-Za-z_][A-Za-z0-9_]*)\s*=/;
const BLANK_OR_COMMENT = /^\s*(#.*)?$/;

/**
 * Reads the configuration file: dotenv form as node:util `parseEnv` reads it, one NAME=value a line. What parseEnv
 * would pass over in silence is a fault here: a line that assigns nothing, and a name that is given twice.
 */
export function parseConfigFile(fileText: string): { entries: Map<string, FileEntry>; faults: ConfigFault[] } {
  const values = parseEnv(fileText);
  const entries = new Map<string, FileEntry>();
  const faults: ConfigFault[] = [];
  for (const [index, content] of fileText.split(/\r?\n/).entries()) {
    const origin = { from: "file", line: index + 1 } as const;
    if (BLANK_OR_COMMENT.test(content)) continue;
    const name = ASSIGNMENT.exec(content)?.groups?.["name"];
    if (name === undefined) faults.push({ origin, rule: "is not of the form NAME=value" });
    else if (entries.has(name))
      faults.push({ variable: name, origin, rule: `is given twice, first on line ${entries.get(name)!.line}` });
    else entries.set(name, { text: values[name] ?? "", line: index + 1 });
  }
  return { entries, faults };
}
