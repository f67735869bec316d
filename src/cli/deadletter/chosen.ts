import type { DeadLetterFilter } from "../../../gen/ts/kubernaut/audit/v1/dead_letter_service_pb.ts";
import type { Given } from "../command.ts";
import { UsageError } from "../exit_code.ts";
import { type CallBounds, type DeadLetterClient, listLetters, readIds } from "./letters.ts";

/** Which letters an act is for: those that are named, or all that match a filter. */
export type Choice = { readonly ids: readonly string[] } | { readonly filter: DeadLetterFilter };

/** Reads what the act is for. `filterFlags`: the flags that go with --all alone. @throws UsageError for neither or both. */
export function readChoice(given: Given, filterFlags: readonly string[], filter: () => DeadLetterFilter): Choice {
  const ids = readIds(given);
  if (given.has("all")) {
    if (ids.length > 0) throw new UsageError("name letters, or give --all, and not both");
    return { filter: filter() };
  }
  const stray = filterFlags.find((name) => given.has(name));
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --all`);
  if (ids.length === 0) throw new UsageError("ID is missing; deadletter list shows them, and --all means all");
  return { ids };
}

/** The ids that were chosen: what becomes a dead letter from now on is not among them. */
export async function chosenIds(choice: Choice, client: DeadLetterClient, bounds: CallBounds): Promise<string[]> {
  if ("ids" in choice) return [...choice.ids];
  const ids: string[] = [];
  for await (const { letters } of listLetters(client, choice.filter, Number.POSITIVE_INFINITY, bounds)) {
    ids.push(...letters.map(({ id }) => id));
  }
  return ids;
}

/** Letters in one call: few enough to be done well within a call's time. */
const CALL_LETTERS = 100;

/** The ids in the portions in which the service is asked. */
export function* portions(ids: readonly string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += CALL_LETTERS) yield ids.slice(at, at + CALL_LETTERS);
}
