/** What a command's exit code means; the table of docs/cli.md and of `datastorage help` is made from `EXIT_MEANINGS`. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: readonly (readonly [code: ExitCode, meaning: string])[] = [
  [EXIT.ok, "Done."],
  [
    EXIT.failed,
    "The service cannot be reached, failed, or could not start; a file could not be read to its end; `fsck` found faults; " +
      "`verify` found that something is not as it claims.",
  ],
  [
    EXIT.usage,
    "Wrong usage: unknown flags, values that break a rule, faults of the configuration, files that are not there.",
  ],
  [
    EXIT.refused,
    "Some events were not stored: rejected, in conflict with a stored one, or lines that are no event; dead letters that stay; " +
      "objects that the catalog refuses, and changes that their state does not allow; objects that cannot be rebuilt, or are less " +
      "complete than asked.",
  ],
  [EXIT.notFound, "There is no such event, remediation, dead letter, action type or workflow."],
  [EXIT.interrupted, "Interrupted by Ctrl-C (SIGINT)."],
  [EXIT.terminated, "Ended by SIGTERM before the work was done."],
];

/** The command line asks for something that cannot be: the message names the flag and the rule. Ends with `EXIT.usage`. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UsageError";
  }
}
