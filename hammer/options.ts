import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

export interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly servers: number;
  /** Valkey loses what it holds, again and again. */
  readonly wipe: boolean;
  readonly json: boolean;
  readonly dataDir: string | undefined;
  /** Keep the run's folder also when nothing was found. */
  readonly keep: boolean;
  /** Events a second that all clients together try to send. */
  readonly rate: number;
  readonly faultsPerMinute: number;
  readonly longestMs: number;
  /** Only kinds of faults that hold one of these words; empty: all. */
  readonly only: readonly string[];
}

export const HELP = `npm run hammer -- [options]

Sends events to real services on real stores while things break, and then looks whether anything that was acknowledged is
lost, doubled or out of order. Exit code 1 when so, 2 for a wrong option; 0 when nothing is.

  --minutes N    how long things break (1)
  --seed S       the same seed gives the same faults in the same order; printed at the begin and the end (drawn)
  --servers 1|2  service processes (1)
  --wipe         Valkey loses what it holds, too: what was QUEUED and is not yet recorded may be lost, and is named
  --rate N       events a second that the clients try to send (2500)
  --faults N     faults that begin in a minute (8)
  --longest N    the longest that one lasts, in seconds (10)
  --only A,B     only faults whose kind holds one of these words, such as valkey or failpoint
  --data-dir DIR where the run's folder is made (the folder for temporary files)
  --keep         keep the folder with logs, data and histories; it is always kept when something was found
  --json         one JSON object on standard output instead of text
  --help`;

/** Reads the command line. Undefined: only help was asked for. Throws Error for what it does not know. */
export function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: text,
      seed: text,
      servers: text,
      rate: text,
      faults: text,
      longest: text,
      only: text,
      "data-dir": text,
      wipe: flag,
      keep: flag,
      json: flag,
      help: flag,
    },
  });
  if (values.help) return undefined;
  const { wipe, keep, json } = values;
  return {
    wipe,
    keep,
    json,
    dataDir: values["data-dir"],
    only: values.only === undefined ? [] : values.only.split(",").map((word) => word.trim()),
    minutes: number("minutes", values.minutes ?? "1", 0.1, 10_000),
    seed: whole("seed", values.seed ?? String(randomInt(2 ** 32)), 0, 2 ** 32 - 1),
    servers: whole("servers", values.servers ?? "1", 1, 2),
    rate: number("rate", values.rate ?? "2500", 1, 1_000_000),
    faultsPerMinute: number("faults", values.faults ?? "8", 0.1, 600),
    longestMs: number("longest", values.longest ?? "10", 0.5, 600) * 1000,
  };
}

function number(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a number from ${least} to ${most}`);
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = number(name, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new Error(`--${name} must be a whole number`);
}
