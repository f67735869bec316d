/**
 * The places along the write and the retry path where a test may have the process killed. One stands before and after each
 * wait whose outcome matters: what a crash there leaves behind must be what the promises allow.
 */
export const FAILPOINTS = [
  "intake.prepared",
  "append.months",
  "append.send",
  "append.answered",
  "append.settled",
  "append.repeats",
  "append.heads",
  "append.failed",
  "queue.encode",
  "queue.add",
  "queue.added",
  "queue.synced",
  "queue.held",
  "answer.send",
  "drain.lease",
  "drain.fence",
  "drain.claim",
  "drain.read",
  "drain.append",
  "drain.appended",
  "drain.settled",
  "drain.tried",
  "drain.bury",
  "drain.buried",
  "letter.replay",
  "letter.replayed",
  "letter.discard",
  "catalog.read",
  "catalog.send",
  "catalog.answered",
  "log.read",
  "log.advance",
  "log.advanced",
  "log.sign",
  "log.signed",
  "log.kept",
  "log.published",
  "shutdown.drain",
] as const;

export type Failpoint = (typeof FAILPOINTS)[number];

/** Names the variable that arms one: `append.answered` or `append.answered:12`, killed at the twelfth passing. */
export const FAILPOINT_VARIABLE = "DATASTORAGE_TEST_FAILPOINT";

const armed = arm(process.env[FAILPOINT_VARIABLE]);

function arm(text: string | undefined): { readonly name: string; passings: number } | undefined {
  if (text === undefined || text === "") return undefined;
  const [name = "", passings = "1"] = text.split(":");
  if (!(FAILPOINTS as readonly string[]).includes(name)) {
    throw new Error(`${FAILPOINT_VARIABLE} names no failpoint: ${name}`);
  }
  return { name, passings: Number(passings) };
}

/** Ends the process as `kill -9` does when this place is armed; does nothing otherwise. */
export function failpoint(name: Failpoint): void {
  if (armed === undefined || armed.name !== name || --armed.passings > 0) return;
  process.kill(process.pid, "SIGKILL");
}
