/** Where a value came from: the environment, or a line of the configuration file. */
export type Origin = { readonly from: "environment" } | { readonly from: "file"; readonly line: number };

/** One thing that is wrong with the configuration. */
export interface ConfigFault {
  /** The variable to change; absent for a line of the file that names none. */
  readonly variable?: string;
  /** What was given, quoted; `not shown` in place of a secret; absent where nothing was given. */
  readonly value?: string;
  readonly origin?: Origin;
  /** What is asked for, as a phrase that follows the variable: `must be true or false`. */
  readonly rule: string;
}

/** The configuration cannot be used. Its message lists every fault on a line of its own, with no secret in it. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[], options?: ErrorOptions) {
    const heading =
      faults.length === 1 ? "The configuration has a fault:" : `The configuration has ${faults.length} faults:`;
    super([heading, ...faults.map((fault) => `  ${describe(fault)}`)].join("\n"), options);
    this.name = "ConfigError";
    this.faults = faults;
  }
}

function describe({ variable, value, origin, rule }: ConfigFault): string {
  const place = origin?.from === "file" ? ` (line ${origin.line} of the file)` : "";
  const subject = variable === undefined ? "" : value === undefined ? variable : `${variable}=${value}`;
  return `${subject}${place} ${rule}`.trimStart();
}

const LONGEST_SHOWN = 100;

/** A value as an error may show it: quoted, control characters escaped, cut when long; nothing of a secret. */
export function shown(text: string, secret: boolean): string {
  if (secret) return "(not shown)";
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}
