import { prepareOwnEvents } from "../audit/own_event.ts";
import { type Act, actEvents, type LetterInAct } from "./act_events.ts";
import { readLetter } from "./letter.ts";
import { letterId } from "./letter_id.ts";
import type { LetterPlace, LettersStore } from "./letters_store.ts";
import type { DeadLetterParts } from "./service_parts.ts";

/** Letters that are held in memory at once: each may have a few megabytes. */
const PORTION_LETTERS = 20;

/** Places in the portions in which they are worked on. */
export function* portions(places: readonly LetterPlace[]): Generator<LetterPlace[]> {
  for (let at = 0; at < places.length; at += PORTION_LETTERS) yield places.slice(at, at + PORTION_LETTERS);
}

/** The letters among these places, by their ids, and what an act's events say of them. */
export async function lettersInAct(
  letters: Pick<LettersStore, "get">,
  places: readonly LetterPlace[],
): Promise<Map<string, LetterInAct>> {
  const known = new Map<string, LetterInAct>();
  for (const portion of portions(places)) {
    for (const stored of await letters.get(portion)) {
      if (stored === undefined) continue;
      const { eventId, correlationId } = readLetter(stored.fields);
      const letter = letterId(stored);
      known.set(letter, eventId === "" ? { letter } : { letter, event_id: eventId, correlation_id: correlationId });
    }
  }
  return known;
}

/**
 * Records that an act begins. It must not begin before this resolves.
 *
 * @throws Fault when it could not be recorded.
 */
export async function recordBeginning(
  parts: DeadLetterParts,
  act: Act,
  letters: readonly LetterInAct[],
): Promise<void> {
  const events = await prepareOwnEvents(actEvents(act, "pending", letters), act.by);
  const { fault } = await parts.writer.submit(parts.writer.open(), events, { requireRecorded: true });
  if (fault !== undefined) throw fault;
}

/** Records how an act ended. What cannot be recorded is told in the log: the act itself is recorded already. */
export async function recordEnd(
  parts: DeadLetterParts,
  act: Act,
  outcome: "success" | "failure",
  letters: readonly LetterInAct[],
): Promise<void> {
  const events = await prepareOwnEvents(actEvents(act, outcome, letters), act.by);
  const { fault } = await parts.writer.submit(parts.writer.open(), events);
  if (fault === undefined) return;
  const facts = { err: fault, correlation_id: act.correlationId };
  parts.log.warn(facts, "the outcomes of an act on dead letters could not be recorded");
}
