import { invalid } from "../fault.ts";
import type { StreamName } from "./keys.ts";
import type { LetterPlace } from "./letters_store.ts";

/** What a letter is called outside: `events/123`. */
export function letterId({ stream, sequence }: LetterPlace): string {
  return `${stream}/${sequence}`;
}

/** The places of ids that keep the rules of the proto. @throws Fault `invalid` when one stands twice. */
export function letterPlaces(ids: readonly string[]): LetterPlace[] {
  const seen = new Set<string>();
  const violations = [];
  for (const [index, id] of ids.entries()) {
    if (seen.has(id)) violations.push({ field: `ids[${index}]`, description: "must not stand twice" });
    seen.add(id);
  }
  if (violations.length > 0) throw invalid(violations);
  return ids.map((id) => {
    const [stream, sequence] = id.split("/");
    return { stream: stream as StreamName, sequence: Number(sequence) };
  });
}
