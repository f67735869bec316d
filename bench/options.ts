import { parseArgs } from "node:util";

/** The parts of a run, in the words of --only. */
export const SECTIONS = [
  "copy",
  "rows",
  "ingest",
  "record",
  "lone",
  "list",
  "discovery",
  "reconstruction",
  "log",
  "overload",
] as const;
export type Section = (typeof SECTIONS)[number];
/** Those that a run without --only has: overload takes minutes and compares with nothing. */
const USUAL: readonly Section[] = SECTIONS.filter((section) => section !== "overload");

export interface Options {
  /** Small counts: shows that everything runs, measures nothing worth telling. */
  readonly quick: boolean;
  readonly json: boolean;
  readonly only: ReadonlySet<Section>;
  /** How often each measurement is taken, in turn with the others; the median counts. */
  readonly rounds: number;
  /** A file of recorded events to make variations of, instead of our own sample. */
  readonly sample: string | undefined;
  /** Folder for a CPU profile of the service. */
  readonly profile: string | undefined;
}

export const HELP = `npm run bench -- [options]

Compares the service with plain PostgreSQL on this machine, on an embedded PostgreSQL of its own.

  --only A,B     only these parts: ${SECTIONS.join(", ")}
                 (default: all but overload)
                   copy    COPY into audit_events, one connection, batches of 1,000 rows
                   rows    one INSERT per event with a lock and a head look-up, one connection
                   ingest  IngestEvents end to end          record  RecordEvents end to end
                   lone    a lone RecordEvents beside a flooding stream
                   list    ListEvents at a million rows: page 1 and page 1,000
                   discovery  the catalog's discovery at 10,000 workflows: calls and their bare statements
                   reconstruction  a remediation rebuilt, and its bare statement, among 100,000 other events and among
                             5,000,000 (takes 10 GB of disk meanwhile)
                   log     the log over all events: what ingest pays for it, VerifyChain of 100,000 events, exports beside COPY,
                             proofs in trees of up to 4,000,000 entries, TailEvents
                   overload  200 streams pushing without pause against a PostgreSQL that stalls, without a queue and with
                             one that fills up: memory against its bound, and how soon all is as before
  --rounds N     measurements of each kind, taken in turn; the median counts (3)
  --sample FILE  vary the events of this recording (JSONL) instead of examples/remediation.jsonl
  --quick        small counts, one round: does everything run?
  --json         one JSON object on standard output instead of tables
  --profile DIR  write a CPU profile of the service there
  --help`;

/** Reads the command line. Undefined: only help was asked for. Throws Error for what it does not know. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      rounds: { type: "string" },
      sample: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a number of 1 or more");
  return { ...values, rounds, profile: values.profile, sample: values.sample, only: readSections(values.only) };
}

function readSections(text: string | undefined): ReadonlySet<Section> {
  if (text === undefined) return new Set(USUAL);
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !SECTIONS.some((section) => section === name));
  if (unknown !== undefined) throw new Error(`--only knows ${SECTIONS.join(", ")}; not ${unknown}`);
  return new Set(SECTIONS.filter((section) => names.includes(section)));
}
